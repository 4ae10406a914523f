import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as Explore from './explore.ts';
import type * as Model from './model.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const everything = ({ SCENARIO_NAMES }: typeof Model) =>
  SCENARIO_NAMES.flatMap((scenario) =>
    (['lsp-trusts-client', 'client-trusts-lsp'] as const).map((trust) => ({ scenario, trust })),
  );

// A check that cannot fail proves nothing: these bugs are planted into copies of the machine, and the walk must find each.
describe('a planted bug is found by the walk', () => {
  let copy: string;
  let count = 0;
  beforeAll(() => {
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    copy = mkdtempSync(join(ROOT, '.cache', 'planted-'));
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  async function walkFails(file: string, from: string, to: string): Promise<string | undefined> {
    const root = join(copy, String(count++));
    for (const part of ['lib', 'test/session']) cpSync(join(ROOT, part), join(root, part), { recursive: true });
    cpSync(join(ROOT, 'tsconfig.json'), join(root, 'tsconfig.json'));
    const path = join(root, 'lib/session', file);
    const before = readFileSync(path, 'utf8');
    const after = before.replace(from, to);
    expect(after).not.toBe(before);
    writeFileSync(path, after);
    const model = (await import(pathToFileURL(join(root, 'test/session/model.ts')).href)) as typeof Model;
    const { explore } = (await import(pathToFileURL(join(root, 'test/session/explore.ts')).href)) as typeof Explore;
    // Most are found without a crash; that is walked first, because it is so much less.
    const calm = { ...model, crashes: () => [] };
    try {
      for (const { scenario, trust } of everything(model)) explore(calm, model.start(scenario, trust));
      for (const { scenario, trust } of everything(model)) explore(model, model.start(scenario, trust));
    } catch (error) {
      return String(error).split(' is broken')[0];
    }
    return undefined;
  }

  test.each([
    [
      'forward before the funding is out',
      'parts.ts',
      "return offer.trust === 'client-trusts-lsp' || channel.broadcast === 'done';",
      'return true;',
      /L5/,
    ],
    ['forward before both sides are ready', 'parts.ts', "channel?.stage !== 'ready' ||", '', /L4/],
    [
      'the fee taken again by the next payment',
      'purchase.ts',
      'let taken: bigint = feeSettled;',
      'let taken = 0n * feeSettled;',
      /L3/,
    ],
    [
      'a part counted twice that settled once',
      'step.ts',
      'purchase.feeSettled + paid',
      'purchase.feeSettled + 2n * paid',
      /L3|RangeError/,
    ],
    [
      'a second channel after a disconnect',
      'awaitingChannel.ts',
      "const given: readonly Effect[] = view.channel ? [{ tag: 'abandonChannel' }] : [];",
      'const given: readonly Effect[] = [];',
      /L1|L6/,
    ],
    [
      'the intent to broadcast not saved',
      'step.ts',
      "{ ...purchase, channel: { ...channel, broadcast: 'ordered' } }",
      '{ ...purchase, channel }',
      /L7|L5/,
    ],
    [
      'coins freed of what may be out',
      'awaitingChannel.ts',
      "channel !== undefined && channel.broadcast !== 'no'",
      "channel !== undefined && channel.broadcast === 'done'",
      /L6|L1/,
    ],
    [
      'withheld funding broadcast at once',
      'awaitingChannel.ts',
      "if (view.offer.trust === 'lsp-trusts-client') return",
      'if (view.now >= 0) return',
      /L5/,
    ],
    [
      'an unpaid channel left behind',
      'awaitingSettlement.ts',
      "view.channel && !mayBeOut(view.channel) ? [{ tag: 'abandonChannel' }] : []",
      '[]',
      /L6|L1/,
    ],
    [
      'late parts forgotten when the open fails',
      'awaitingChannel.ts',
      "abandon([...state.parts, ...state.late], 'temporary_channel_failure', why)",
      "abandon(state.parts, 'temporary_channel_failure', why)",
      /L2/,
    ],
    [
      'parts forgotten when collecting times out',
      'collecting.ts',
      "fail(state.parts, 'temporary_channel_failure', 'collectTimedOut')",
      "fail([], 'temporary_channel_failure', 'collectTimedOut')",
      /L2/,
    ],
    ['a lost part still counted', 'awaitingChannel.ts', 'parts: without(state.parts, id)', 'parts: state.parts', /L2/],
    ['two sessions own the channel', 'collecting.ts', '!found || view.taken', '!found', /L1/],
    [
      'coins of a channel that was given up forgotten by a crash',
      'step.ts',
      'releasing: [...purchase.releasing, order.attempt]',
      'releasing: purchase.releasing',
      /L7/,
    ],
    [
      'a broadcast that a crash prevented is not ordered again',
      'step.ts',
      "if (channel?.broadcast === 'ordered') again.push",
      "if (channel?.broadcast === 'done') again.push",
      /L7|L5/,
    ],
    [
      'an unsigned channel funded once more after a crash',
      'awaitingChannel.ts',
      "if (view.channel?.fundingTxid === undefined) return release(view, state, 'restarted');",
      "if (view.channel?.stage === 'accepted') return { state, effects: [{ tag: 'fundChannel' }] };",
      /L1|L2/,
    ],
    [
      'what was on its way is forgotten by a crash',
      'awaitingSettlement.ts',
      "outcome === 'pending' && held.includes(id)",
      'outcome !== outcome && held.includes(id)',
      /L2/,
    ],
    [
      'the fee of a variable amount taken on more than its part',
      'price.ts',
      'openingFee(offer, first.amount)',
      'openingFee(offer, offer.maxPaymentSize)',
      /L3|L2|Invariant/,
    ],
    [
      'a second part of a variable amount travels with the first',
      'price.ts',
      'set: parts.slice(0, 1), rest: parts.slice(1)',
      'set: parts, rest: []',
      /L3|L2/,
    ],
    [
      'a paid channel closed when the offer ends',
      'step.ts',
      '.length > 0 || paid ||',
      '.length > 0 ||',
      /min_lifetime/,
    ],
    [
      'a part held with no deadline',
      'purchase.ts',
      'return Math.min(state.since + rules.collectSeconds, offer.validUntil);',
      'return undefined;',
      /L2/,
    ],
    ['more forwarded than came in', 'parts.ts', 'amount: msat(amount - extraFee),', 'amount,', /L8/],
  ])(
    '%s',
    async (_, file, from, to, rule) => {
      expect(await walkFails(file, from, to)).toMatch(rule);
    },
    400_000,
  );
});
