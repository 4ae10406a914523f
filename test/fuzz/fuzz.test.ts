import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { client, decodeInvoice, type LspNode, Lsps2Error, sat } from 'lsps2';
import { flatRate, lsp } from 'lsps2/lsp';
import { memoryLightning, memoryStore } from 'lsps2/memory';
import { describe, expect, test } from 'vitest';
import { sat as msatOf } from '../../lib/core/amount.ts';
import { paymentHash } from '../../lib/core/ids.ts';
import { LSPS0_MESSAGE_TYPE } from '../../lib/protocol/lsps0/frame.ts';
import { rawKey, signInvoice } from '../../lib/protocol/bolt11/sign.ts';
import { manualClock, settled } from '../manualClock.ts';
import { dice } from '../random.ts';
import { mutator } from './mutate.ts';
import { type Target, targets } from './targets.ts';

// E: whatever a stranger sends, the client throws its own errors and nothing else, ends, keeps no memory, and leaves Object alone.
// LSPS2_FUZZ=1000000 for the long run (npm run test:fuzz), LSPS2_SEED to see one again.

const COUNT = Number(process.env['LSPS2_FUZZ'] ?? 20_000);
const SEED = Number(process.env['LSPS2_SEED'] ?? 4);
/** More than noise; what each input left behind would be far more at a million. */
const HEAP_GROWTH_MAX = 1.25;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

/** Runs one input. Errors of this package are answers; anything else is a finding. */
function harmless(target: Target, at: number): boolean {
  try {
    target.run();
    return true;
  } catch (error) {
    if (error instanceof Lsps2Error) return false;
    throw new Error(`${target.name}, input ${at} of seed ${SEED}: ${String(error)}`, { cause: error });
  }
}

describe('a stranger’s words', () => {
  test(`${COUNT} frames, messages, menus, results, invoices and TLVs`, async () => {
    const roll = dice(SEED);
    const kinds = (await targets(roll)).flatMap((target) => Array<Target>(target.share).fill(target));
    const before = Object.getOwnPropertyNames(Object.prototype);
    const counts = new Map<string, { read: number; refused: number }>();
    let start = 0;
    for (let at = 0; at < COUNT; at++) {
      const target = roll.pick(kinds);
      const count = counts.get(target.name) ?? { read: 0, refused: 0 };
      counts.set(target.name, count);
      if (harmless(target, at)) count.read++;
      else count.refused++;
      if (at === Math.floor(COUNT / 10)) start = heap();
    }
    const growth = heap() / start;
    process.stdout.write(
      `fuzzed ${COUNT}: ${JSON.stringify(Object.fromEntries(counts))}, heap x${growth.toFixed(3)}\n`,
    );
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(growth).toBeLessThan(HEAP_GROWTH_MAX);
    // Both ways were gone, or nothing was tried.
    for (const [name, { read, refused }] of counts)
      expect([name, read + refused > 0, refused > 0]).toEqual([name, true, true]);
  }, 3_600_000);

  test('into a whole client that asks: each question ends with an answer or an error of ours', async () => {
    const rounds = Math.max(200, Math.floor(COUNT / 1_000));
    const roll = dice(SEED + 1);
    const { bytes, json, text } = mutator(roll);
    const encoder = new TextEncoder();
    const net = memoryLightning();
    const clock = manualClock();
    // Every answer of an honest LSP is damaged on its way.
    const damaged: LspNode = {
      ...net.lsp,
      async send(to, type, payload) {
        if (type !== LSPS0_MESSAGE_TYPE || roll.chance(0.3)) return net.lsp.send(to, type, payload);
        const said = roll.chance(0.5)
          ? bytes(payload)
          : encoder.encode(text(json(JSON.parse(new TextDecoder().decode(payload)))));
        return net.lsp.send(to, type, said);
      },
    };
    await lsp({ node: damaged, store: memoryStore(), policy: flatRate(), clock });
    const jit = await client({
      node: net.wallet,
      store: memoryStore(),
      lsps: [net.lspUri],
      limits: { maxFee: sat(5_000n) },
      clock,
    });
    let [bought, failed] = [0, 0];
    for (let i = 0; i < rounds; i++) {
      const job = (async () => {
        const { best, all } = await jit.quotes({ amount: sat(100_000n) });
        if (!best) throw (all[0] as { error: unknown }).error;
        await jit.buy(best, { description: 'x' });
      })().then(
        () => bought++,
        (error: unknown) => {
          if (!(error instanceof Lsps2Error)) throw error;
          failed++;
        },
      );
      await settled();
      await clock.pass(61_000); // who was not answered gives up
      await job;
      // bLIP-50: after nonsense it is asked again only when it has reconnected.
      net.cut();
      net.mend();
    }
    process.stdout.write(`through a client: ${bought} bought, ${failed} refused of ${rounds}\n`);
    expect(bought).toBeGreaterThan(0);
    expect(failed).toBeGreaterThan(0);
    expect(jit.purchases()).toHaveLength(bought);
  }, 600_000);

  test('every substitution of one character of an invoice is refused', async () => {
    const { text } = await signInvoice(
      {
        network: 'bitcoin',
        amount: msatOf(12_345n),
        timestamp: 1_800_000_000,
        paymentHash: paymentHash('ab'.repeat(32)),
        paymentSecret: 'cd'.repeat(32),
        description: 'one character',
        expirySeconds: 3600,
        minFinalCltvExpiryDelta: 26,
        features: [8, 14, 17],
        routeHints: [],
      },
      rawKey(new Uint8Array(32).fill(3)),
    );
    expect(decodeInvoice(text).amount).toBe(msatOf(12_345n));
    let tried = 0;
    for (let at = 0; at < text.length; at++) {
      for (const letter of 'qpzry9x8gf2tvdw0s3jn54khce6mua7lbioQ1 ') {
        if (letter === text[at]) continue;
        tried++;
        expect(() => decodeInvoice(text.slice(0, at) + letter + text.slice(at + 1)), `${letter} at ${at}`).toThrow(
          Lsps2Error,
        );
      }
    }
    expect(tried).toBeGreaterThan(10_000);
  });
});
