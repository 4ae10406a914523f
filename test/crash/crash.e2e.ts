import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Msat, msat, sat } from '../../lib/core/amount.ts';
import type { Trust } from '../../lib/protocol/lsps2/messages.ts';
import { until } from '../../lib/testing/until.ts';
import { type CrashWorld, crashWorld, type Sold } from './world.ts';

// D: the LSP dies by kill -9 at every save and around every effect of a payment in two parts, on real LDK nodes and the file store;
// it starts again on the same data, and every millisatoshi is where it belongs.

const AMOUNT = sat(100_000n);
const FEE = sat(1_000n);
const HALF = msat(AMOUNT / 2n);
/** No payment passes more points than this; a run in which nobody dies ends the loop long before. */
const POINTS_MAX = 200;

/** Every point is tried where CI is set; elsewhere each fifth, unless LSPS2_CRASH_STRIDE says otherwise. */
const STRIDE = Number(process.env['LSPS2_CRASH_STRIDE'] ?? (process.env['CI'] ? 1 : 5));
const FROM = Number(process.env['LSPS2_CRASH_FROM'] ?? 1);

describe.each<Trust>(['lsp-trusts-client', 'client-trusts-lsp'])('kill -9, %s', (trust) => {
  test.each(['fixed', 'variable'] as const)(
    'at every save and around every effect: one channel, one fee, exact balances (%s amount)',
    async (mode) => {
      const folder = mkdtempSync(join(tmpdir(), 'lsps2-crash-'));
      const world = await crashWorld(join(folder, 'lsp.db'), { trust, kinds: ['save', 'effect'] });
      onTestFinished(async () => {
        await world.close();
        rmSync(folder, { recursive: true, force: true });
      });
      const points: string[] = [];
      for (let at = FROM; at <= POINTS_MAX; at += STRIDE) {
        const died = await (mode === 'fixed' ? fixedPayment(world, at) : variablePayments(world, at)).catch(
          async (cause: unknown) => {
            // What the LSP made of it is worth more than the line that failed.
            process.stderr.write(`point ${at}: ${inspect(await world.unpaid().catch(String), { depth: 9 })}\n`);
            throw cause;
          },
        );
        if (died === undefined) break;
        points.push(died);
      }
      process.stdout.write(`kill -9, ${trust}, ${mode}: ${points.length} points, all exact\n`);
      expect(points.length).toBeGreaterThanOrEqual(Math.floor(20 / STRIDE));
      expect(points.length).toBeLessThan(POINTS_MAX / STRIDE);
    },
    1_200_000,
  );
});

/** One payment in two parts, over two channels. Resolves with the point of death; undefined when nobody died. */
async function fixedPayment(world: CrashWorld, at: number): Promise<string | undefined> {
  const sold = await world.sell(AMOUNT);
  const before = world.balances();
  const died = await world.payOver(at, sold, () => world.pay(sold, [[HALF, HALF]]));
  await checkEnd(world, sold, { before, paid: AMOUNT, fee: FEE });
  return died;
}

/** The payer decides: the first HTLC is the payment, the second waits for it and passes untouched. */
async function variablePayments(world: CrashWorld, at: number): Promise<string | undefined> {
  const sold = await world.sell(undefined);
  const before = world.balances();
  const died = await world.payOver(at, sold, () => world.pay(sold, [[HALF], [HALF]]));
  await checkEnd(world, sold, { before, paid: AMOUNT, fee: msat(FEE / 2n) });
  return died;
}

async function checkEnd(
  world: CrashWorld,
  sold: Sold,
  {
    before,
    paid,
    fee,
  }: { readonly before: ReturnType<CrashWorld['balances']>; readonly paid: Msat; readonly fee: Msat },
): Promise<void> {
  await until(async () => (await world.report()).pending === 0, 'every HTLC to be answered');
  const after = () => world.balances();
  await until(
    () => before.payer - after().payer === paid && after().wallet - before.wallet === paid - fee,
    () =>
      `the balances: payer ${before.payer - after().payer} of ${paid}, wallet ${after().wallet - before.wallet} of ${paid - fee}`,
  );
  const purchase = await world.purchase(sold);
  expect(purchase).toMatchObject({ feeSettled: fee, paid: true, sessions: {}, releasing: [] });
  expect(after().channels - before.channels).toBe(1);
  expect(await world.onChain(sold)).toBe(1);
}
