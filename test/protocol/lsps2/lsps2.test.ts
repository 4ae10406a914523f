import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Msat, msat, sum, U64_MAX } from '../../../lib/core/amount.ts';
import { DecodeError } from '../../../lib/core/errors.ts';
import type { NodeId } from '../../../lib/core/ids.ts';
import { parseScid } from '../../../lib/core/scid.ts';
import { formatJson, type Json, parseJson } from '../../../lib/protocol/lsps0/json.ts';
import { decodeExtraFee, encodeExtraFee, shareFee } from '../../../lib/protocol/lsps2/extraFee.ts';
import { judge, menuDisorder } from '../../../lib/protocol/lsps2/menu.ts';
import {
  decodeBought,
  decodeBuy,
  decodeGetInfo,
  decodeMenu,
  encodeBought,
  encodeBuy,
} from '../../../lib/protocol/lsps2/messages.ts';
import { openingFee } from '../../../lib/protocol/lsps2/openingFee.ts';
import { decodeOpeningFeeParams, encodeOpeningFeeParams } from '../../../lib/protocol/lsps2/openingFeeParams.ts';
import { isPromise, makePromise } from '../../../lib/protocol/lsps2/promise.ts';
import { vectors } from '../../rows.ts';

type Members = Map<string, Json>;
const parse = (text: string) => parseJson(text) as Members;
type Message = { name: string; variant: string; json: string };
const messages = vectors<{ messages: Message[] }>('blip52/messages.json').messages;
const message = (name: string) => parse(messages.find((row) => row.name === name)!.json);

describe('messages, bLIP-52', () => {
  it('reads the examples of the spec', () => {
    expect(decodeGetInfo(message('get_info params')).token).toBe('SECRETDISCOUNTCOUPON100');
    const menu = decodeMenu(message('get_info result'));
    expect(menu).toHaveLength(2);
    expect(menu[0]).toMatchObject({
      minFee: 546_000n,
      proportionalPpm: 1200,
      validUntil: Date.parse('2023-02-23T08:47:30Z') / 1000,
      minLifetimeBlocks: 1008,
      maxClientToSelfDelayBlocks: 2016,
      minPaymentSize: 1000n,
      maxPaymentSize: 1_000_000n,
      promise: 'abcdefghijklmnopqrstuvwxyz',
    });
    expect(decodeBuy(message('buy params')).paymentSize).toBe(42_000n);
    expect(decodeBought(message('buy result'))).toEqual({
      scid: parseScid('29451x4815x1'),
      lspCltvExpiryDelta: 144,
      trust: 'lsp-trusts-client',
    });
  });
  it('tolerates a null token and unknown members, but not in opening_fee_params', () => {
    expect(decodeGetInfo(parse('{"token":null}')).token).toBeUndefined();
    expect(decodeMenu(parse('{"opening_fee_params_menu":[],"new":{"deep":[1]}}'))).toEqual([]);
    expect(() => decodeMenu(message('get_info result with ongoing_proportional'))).toThrow(
      'result.opening_fee_params_menu[0].ongoing_proportional',
    );
    expect(() => decodeMenu(parse('{"opening_fee_params_menu":[{"__proto__":{}}]}'))).toThrow('__proto__');
  });
  it('has a limit for the menu', () => {
    const entry = formatJson((message('get_info result').get('opening_fee_params_menu') as Json[])[0]!);
    expect(() => decodeMenu(parse(`{"opening_fee_params_menu":[${Array(65).fill(entry).join()}]}`))).toThrow(
      DecodeError,
    );
  });
  it('reads its own results', () => {
    const bought = { scid: parseScid('103x2x1'), lspCltvExpiryDelta: 65_535, trust: 'client-trusts-lsp' } as const;
    expect(decodeBought(encodeBought(bought))).toEqual(bought);
  });
  test.each([
    '{}',
    '{"jit_channel_scid":"1x2","lsp_cltv_expiry_delta":1}',
    '{"jit_channel_scid":"16777216x0x0","lsp_cltv_expiry_delta":1}',
    '{"jit_channel_scid":"1x2x3","lsp_cltv_expiry_delta":65536}',
    '{"jit_channel_scid":"1x2x3","lsp_cltv_expiry_delta":1,"client_trusts_lsp":"yes"}',
  ])('refuses the buy result %s', (text) => expect(() => decodeBought(parse(text))).toThrow(DecodeError));
});

const PARAMS =
  '{"promise":"a\\u0062\\/\u{1f600}\\ud800","max_payment_size_msat":"18446744073709551615","min_payment_size_msat":"1","max_client_to_self_delay":2016,"min_lifetime":1008,"valid_until":"2023-02-23T08:47:30.632123456Z","proportional":1200,"min_fee_msat":"546000"}';

describe('W7: opening_fee_params go back as they came', () => {
  it('in the same order, strings unit for unit, all digits of the date', () => {
    const params = decodeOpeningFeeParams(parseJson(PARAMS), '');
    const sent = encodeBuy({ params, paymentSize: msat(1n) }).get('opening_fee_params') as Members;
    const came = parse(PARAMS);
    expect([...sent]).toEqual([...came]);
    expect(sent.get('promise')).toBe('ab/\u{1f600}\ud800');
    expect(sent.get('valid_until')).toBe('2023-02-23T08:47:30.632123456Z');
  });
  const change = (from: string, to: string) => {
    expect(PARAMS).toContain(from);
    return PARAMS.replace(from, to);
  };
  test.each([
    ['a number that is not canonical', '1200', '1200.0'],
    ['an exponent', '1200', '12e2'],
    ['minus zero', '1200', '-0'],
    ['more than u32', '1200', '4294967296'],
    ['a number as a string', '1200', '"1200"'],
    ['an amount as a number', '"546000"', '546000'],
    ['an unknown field', '"min_lifetime"', '"x":1,"min_lifetime"'],
    ['a field twice', '"min_lifetime"', '"min_lifetime":1008,"min_lifetime"'],
    ['a missing field', '"min_lifetime":1008,', ''],
    ['a date that is none', '2023-02-23T', '2023-02-30T'],
    ['a promise that is too long', '\u{1f600}', 'x'.repeat(510)],
    ['null for a field', '1008', 'null'],
  ])('refuses %s', (_, from, to) => {
    expect(() => decodeOpeningFeeParams(parseJson(change(from, to)), '')).toThrow(DecodeError);
  });
  it('counts the promise in bytes of its JSON', () => {
    const promise = (text: string) => change('"a\\u0062\\/\u{1f600}\\ud800"', JSON.stringify(text));
    expect(decodeOpeningFeeParams(parseJson(promise('x'.repeat(512))), '').promise).toHaveLength(512);
    expect(() => decodeOpeningFeeParams(parseJson(promise('x'.repeat(513))), '')).toThrow(DecodeError);
    expect(() => decodeOpeningFeeParams(parseJson(promise('é'.repeat(257))), '')).toThrow(DecodeError);
    expect(() => decodeOpeningFeeParams(parseJson(promise('"'.repeat(257))), '')).toThrow(DecodeError);
  });
});

describe('the opening fee', () => {
  type Row = {
    payment_size_msat: string;
    min_fee_msat: string;
    proportional: string;
    opening_fee_msat: string | null;
    why: string;
  };
  test.each(vectors<{ derived: Row[] }>('blip52/opening_fee.json').derived)('$why', (row) => {
    const fee = openingFee(
      { minFee: msat(BigInt(row.min_fee_msat)), proportionalPpm: Number(row.proportional) },
      msat(BigInt(row.payment_size_msat)),
    );
    expect(fee).toBe(row.opening_fee_msat === null ? undefined : BigInt(row.opening_fee_msat));
  });
  it('overflows where u64 does, also at + 999999', () => {
    const rate = { minFee: msat(0n), proportionalPpm: 1 };
    expect(openingFee(rate, msat(U64_MAX - 999_999n))).toBe((U64_MAX + 0n) / 1_000_000n);
    expect(openingFee(rate, msat(U64_MAX - 999_998n))).toBeUndefined();
  });
});

describe('the menu', () => {
  type Row = { menu: [string, number][]; ordered: boolean };
  const terms = (minFee: bigint, proportionalPpm: number) => ({
    minFee: msat(minFee),
    proportionalPpm,
    validUntil: 1000,
    minLifetimeBlocks: 0,
    maxClientToSelfDelayBlocks: 0,
    minPaymentSize: msat(100n),
    maxPaymentSize: msat(U64_MAX),
  });
  test.each(vectors<{ vectors: Row[] }>('blip52/menu_order.json').vectors)(
    'order of $menu: $ordered',
    ({ menu, ordered }) => {
      expect(menuDisorder(menu.map(([minFee, ppm]) => terms(BigInt(minFee), ppm))) === -1).toBe(ordered);
    },
  );
  test.each([
    [100n, 999, { fee: 99n }],
    [99n, 999, { unfit: 'payment_too_small' }],
    [100n, 1000, { unfit: 'expired' }],
    [U64_MAX, 999, { unfit: 'overflow' }],
  ])('judges %s msat at %s', (size, now, judged) => expect(judge(terms(99n, 10), msat(size), now)).toEqual(judged));
  it('wants the fee strictly below the payment', () => {
    expect(judge(terms(100n, 0), msat(100n), 0)).toEqual({ unfit: 'fee_not_below_payment' });
    expect(judge({ ...terms(1n, 0), maxPaymentSize: msat(100n) }, msat(101n), 0)).toEqual({
      unfit: 'payment_too_large',
    });
  });
});

describe('extra_fee', () => {
  it('is 8 bytes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: U64_MAX }), (fee) => decodeExtraFee(encodeExtraFee(msat(fee))) === fee),
    );
    for (const length of [0, 7, 9]) expect(() => decodeExtraFee(new Uint8Array(length))).toThrow(DecodeError);
  });

  const amount = fc.bigInt({ min: 0n, max: 10n ** 12n }).map(msat);
  it('is shared so that every part keeps its minimum and nothing is lost', () => {
    fc.assert(
      fc.property(
        fc.array(amount, { minLength: 1, maxLength: 30 }),
        amount,
        fc.bigInt({ min: 0n, max: 10n ** 6n }).map(msat),
        (amounts, fee, minimum) => {
          const shares = shareFee(amounts, fee, minimum);
          const room = amounts.map((each) => (each > minimum ? each - minimum : 0n));
          const bearable = room.reduce((a, b) => a + b, 0n);
          if (bearable < fee) {
            expect(shares).toBeUndefined();
            return;
          }
          expect(sum(shares!)).toBe(fee);
          shares!.forEach((share, index) => {
            expect(share >= 0n && share <= room[index]!).toBe(true);
            // Nobody below its cap pays more than one msat away from its proportion of what the uncapped ones share.
            const uncapped = shares!.flatMap((each, i) => (each < room[i]! ? [i] : []));
            if (!uncapped.includes(index)) return;
            const owed = uncapped.reduce((a, i) => a + shares![i]!, 0n);
            const weight = uncapped.reduce((a, i) => a + amounts[i]!, 0n);
            const exact = owed * amounts[index]!;
            const distance = share * weight - exact;
            expect((distance < 0n ? -distance : distance) <= weight * BigInt(uncapped.length + 1)).toBe(true);
          });
        },
      ),
      { numRuns: 500 },
    );
  });
  test.each([
    [[1000n, 1000n], 2n, 0n, [1n, 1n]],
    [[1000n, 1000n], 3n, 0n, [2n, 1n]],
    [[1000n, 1000n], 1998n, 1n, [999n, 999n]],
    [[1000n, 1000n], 1999n, 1n, undefined],
    [[10n, 1000n], 500n, 8n, [2n, 498n]],
    [[5n, 1000n], 500n, 8n, [0n, 500n]],
    [[300n, 100n, 200n], 60n, 0n, [30n, 10n, 20n]],
  ])('of %s, fee %s, minimum %s', (amounts, fee, minimum, shares) => {
    expect(shareFee(amounts.map(msat), msat(fee), msat(minimum))).toEqual(shares);
  });
});

describe('the promise', () => {
  const client = `02${'11'.repeat(32)}` as NodeId;
  const [secret, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const { promise: _, verbatim: __, ...terms } = decodeOpeningFeeParams(parseJson(PARAMS), '');
  const promise = makePromise(secret, client, terms);

  it('is printable, short, and accepted with any of the secrets', () => {
    expect(promise).toMatch(/^[0-9a-f]{64}$/);
    expect(isPromise(promise, { secrets: [other, secret], client, terms })).toBe(true);
    const offered = decodeOpeningFeeParams(encodeOpeningFeeParams(terms, promise), '');
    expect(isPromise(offered.promise, { secrets: [secret], client, terms: offered })).toBe(true);
  });
  it('moves to no other client, secret or terms', () => {
    expect(isPromise(promise, { secrets: [other], client, terms })).toBe(false);
    expect(isPromise(promise, { secrets: [secret], client: `03${'11'.repeat(32)}` as NodeId, terms })).toBe(false);
    for (const [name, value] of Object.entries(terms)) {
      const changed = { ...terms, [name]: typeof value === 'bigint' ? ((value - 1n) as Msat) : value + 1 };
      expect(isPromise(promise, { secrets: [secret], client, terms: changed }), name).toBe(false);
    }
    for (const forged of ['', promise.slice(1), promise.toUpperCase(), `${promise}0`, 'zz'.repeat(32)]) {
      expect(isPromise(forged, { secrets: [secret], client, terms }), forged).toBe(false);
    }
  });
});
