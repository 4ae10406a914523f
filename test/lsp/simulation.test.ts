import { expect, test } from 'vitest';
import { simulate, type Tally } from './simulation.ts';

const SEED = Number(process.env['LSPS2_SEED'] ?? 1);
const SESSIONS = Number(process.env['LSPS2_SESSIONS'] ?? 3_000);

// C: a failing seed is named, and LSPS2_SEED=it LSPS2_SESSIONS=1 shows the same failure again.
test(`${SESSIONS} sessions in whole LSPs, from seed ${SEED}: no rule breaks`, async () => {
  const total: Tally = { sessions: 0, crashes: 0, channels: 0, settled: 0 };
  let seed = SEED;
  for (; total.sessions < SESSIONS; seed++) {
    await simulate(seed, total).catch((cause: unknown) => {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
    });
  }
  process.stdout.write(`simulated: ${JSON.stringify(total)}, seeds ${SEED} to ${seed - 1}\n`);
  expect(total.crashes).toBeGreaterThan(0);
  expect(total.settled).toBeGreaterThan(0);
}, 1_800_000);
