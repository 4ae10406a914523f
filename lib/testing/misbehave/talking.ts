import type { LspNode } from '../../ports/lspNode.ts';
import { type Answer, answering, BUY, GET_INFO, offering, refusing, resulting } from './wire.ts';

const SLOW_MS = 1_500;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers come in pairs, the later one first; one that stays alone comes after this. */
const ALONE_MS = 200;

/** How LSPs talk, sell and refuse where they should not: seen in the field (docs/testing.md), or thinkable. */
export const talking = {
  /** Never answers. */
  silent: (node: LspNode) => answering(node, () => []),
  /** Answers a second and a half late. */
  slow: (node: LspNode) =>
    answering(node, async ({ answer }) => {
      await sleep(SLOW_MS);
      return [answer];
    }),
  /** Answers with what is no JSON. */
  nonsense: (node: LspNode) => answering(node, () => ['{"jsonrpc":"2.0","id":']),
  /** Answers with bytes that are no UTF-8. */
  noise: (node: LspNode) => answering(node, () => [Uint8Array.of(0xff, 0xfe, 0x00)]),
  /** Says everything twice. */
  answersTwice: (node: LspNode) => answering(node, ({ answer }) => [answer, answer]),
  /** Of two answers under way the later one comes first. */
  outOfOrder(node: LspNode) {
    let first: { answer: Answer; go: () => void } | undefined;
    return answering(node, async ({ answer }) => {
      if (first) {
        const held = first;
        first = undefined;
        held.go();
        return [answer, held.answer];
      }
      let taken = false;
      await Promise.race([
        new Promise<void>((resolve) => {
          first = { answer, go: () => ((taken = true), resolve()) };
        }),
        sleep(ALONE_MS),
      ]);
      if (!taken) first = undefined;
      return taken ? [] : [answer];
    });
  },
  /** Sends notifications that nobody asked for. */
  notifies: (node: LspNode) =>
    answering(node, ({ answer }) => [{ jsonrpc: '2.0', method: 'lsps2.news', params: {} }, answer]),
  /** Answers to ids that nobody used. */
  answersOthers: (node: LspNode) =>
    answering(node, ({ answer }) => [{ ...answer, id: 'somebody-else', result: {} }, answer]),
  /** `"error": null` beside a result, as old JSON-RPC libraries do. */
  errorBesideResult: (node: LspNode) => answering(node, ({ answer }) => [{ ...answer, error: null }]),
  /** Refuses with id null, as LDK does with what it cannot read. */
  refusesNobody: (node: LspNode) =>
    answering(node, () => [{ jsonrpc: '2.0', id: null, error: { code: -32_700, message: 'parse error' } }]),
  /** An error whose data is null, as LDK and Core Lightning send it. */
  nullData: (node: LspNode) => refusing(node, GET_INFO, { code: 200, message: 'no', data: null }),
  /** An error whose data is a text. */
  textData: (node: LspNode) => refusing(node, GET_INFO, { code: 200, message: 'no', data: 'really' }),
  /** An error with a code that no spec names, and a message made for somebody's screen. */
  rudeError: (node: LspNode) =>
    refusing(node, GET_INFO, { code: -99_999, message: '<b>\u001b[31mclick\u202e here</b>\u0000', data: { a: [] } }),
  /** An error that is no object. */
  bareError: (node: LspNode) => answering(node, ({ answer: { id } }) => [{ jsonrpc: '2.0', id, error: 'no' }]),
  /** Wants a token. */
  wantsToken: (node: LspNode) => refusing(node, GET_INFO, { code: 200, message: 'unrecognized token' }),
  /** Refuses with error 1 where the spec has it for buying only, as LDK does. */
  rejectsAsking: (node: LspNode) => refusing(node, GET_INFO, { code: 1, message: 'rejected', data: null }),
  /** Has no more room for this client, as LDK with ten open purchases. */
  tooManyOpen: (node: LspNode) => refusing(node, BUY, { code: 1, message: 'rejected' }),
  /** Speaks LSPS1 only. */
  noLsps2: (node: LspNode) => resulting(node, 'lsps0.list_protocols', () => ({ protocols: [1] })),
  /** Sells nothing now. */
  emptyMenu: (node: LspNode) => resulting(node, GET_INFO, () => ({ opening_fee_params_menu: [] })),
  /** Offers what is over. */
  expiredMenu: (node: LspNode) => offering(node, (entry) => ({ ...entry, valid_until: '2020-01-01T00:00:00.000Z' })),
  /** Dates with nine fractional digits, as LDK writes them: to be echoed digit for digit. */
  nanoseconds: (node: LspNode) =>
    offering(node, (entry) => ({ ...entry, valid_until: String(entry['valid_until']).replace('Z', '000000Z') })),
  /** Amounts as numbers, as Core Lightning takes them. */
  numbersForAmounts: (node: LspNode) =>
    offering(node, (entry) => ({ ...entry, min_fee_msat: Number(entry['min_fee_msat']) })),
  /** A field that no spec names, and which may change the price. */
  unknownField: (node: LspNode) => offering(node, (entry) => ({ ...entry, ongoing_proportional: 100 })),
  /** The shape of lspd's old draft: bounds beside the menu, no promise. */
  oldDraft: (node: LspNode) =>
    resulting(node, GET_INFO, (result) => ({
      ...result,
      min_payment_size_msat: '1',
      max_payment_size_msat: '1000000000',
      opening_fee_params_menu: [{ min_fee_msat: '1', proportional: 1, valid_until: '2030-01-01T00:00:00Z' }],
    })),
  /** Fields around the menu that no spec names: to be ignored. */
  moreResult: (node: LspNode) =>
    resulting(node, GET_INFO, (result) => ({ ...result, lsp_node_id: '02', x: { y: [] } })),
  /** A fee above every payment, which 64 bits cannot hold for large ones. */
  absurdFee: (node: LspNode) =>
    offering(node, (entry) => ({ ...entry, proportional: 0xffff_ffff, max_payment_size_msat: '18446744073709551615' })),
  /** More offers than anybody compares. */
  hugeMenu: (node: LspNode) =>
    resulting(node, GET_INFO, (result) => {
      const [entry] = result['opening_fee_params_menu'] as unknown[];
      return { opening_fee_params_menu: Array<unknown>(100).fill(entry) };
    }),
  /** Sells the same scid to everybody, and twice. */
  oneScid: (node: LspNode) => resulting(node, BUY, (result) => ({ ...result, jit_channel_scid: '1x1x1' })),
  /** Sells a scid that is none. */
  badScid: (node: LspNode) => resulting(node, BUY, (result) => ({ ...result, jit_channel_scid: '1x1' })),
  /** Says that it trusts the client, whatever it then does. */
  liesAboutTrust: (node: LspNode) => resulting(node, BUY, (result) => ({ ...result, client_trusts_lsp: false })),
} as const;
