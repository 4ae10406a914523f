import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as Model from './model.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

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
    const { start, inputs, next } = (await import(
      pathToFileURL(join(root, 'test/session/model.ts')).href
    )) as typeof Model;
    const { saveRecord } = (await import(
      pathToFileURL(join(root, 'lib/core/record.ts')).href
    )) as typeof import('../../lib/core/record.ts');
    for (const trust of ['lsp-trusts-client', 'client-trusts-lsp'] as const) {
      const seen = new Set<string>();
      let frontier = [start(trust)];
      while (frontier.length > 0) {
        const reached: Model.World[] = [];
        for (const world of frontier) {
          for (const input of inputs(world)) {
            let found: Model.World;
            try {
              found = next(world, input);
            } catch (error) {
              return String(error).split(' is broken')[0];
            }
            const key = saveRecord(found);
            if (seen.has(key)) continue;
            seen.add(key);
            reached.push(found);
          }
        }
        frontier = reached;
      }
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
      'purchase.offer.openingFee - purchase.feeSettled - underway',
      'purchase.offer.openingFee - underway',
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
      "const release: readonly Effect[] = view.channel ? [{ tag: 'abandonChannel' }] : [];",
      'const release: readonly Effect[] = [];',
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
      'const parts = [...state.parts, ...state.late];',
      'const parts = state.parts;',
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
    ['two sessions own the channel', 'collecting.ts', '< offer.paymentSize || view.taken', '< offer.paymentSize', /L1/],
    ['more forwarded than came in', 'parts.ts', 'amount: msat(amount - extraFee),', 'amount,', /L8/],
  ])(
    '%s',
    async (_, file, from, to, rule) => {
      expect(await walkFails(file, from, to)).toMatch(rule);
    },
    120_000,
  );
});
