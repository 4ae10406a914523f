import type { Msat } from '../../core/amount.ts';

const MSAT_PER_BTC = 100_000_000_000n;
const UNITS = [
  ['', MSAT_PER_BTC],
  ['m', MSAT_PER_BTC / 1000n],
  ['u', MSAT_PER_BTC / 1_000_000n],
  ['n', MSAT_PER_BTC / 1_000_000_000n],
] as const;

/** The amount of a human-readable part, in the largest unit that is exact: `2500u`; `10p` is a millisatoshi. */
export function formatAmount(amount: Msat): string {
  if (amount === 0n) throw new RangeError('an invoice over nothing: leave the amount out instead');
  for (const [letter, unit] of UNITS) if (amount % unit === 0n) return `${amount / unit}${letter}`;
  return `${amount * 10n}p`;
}
