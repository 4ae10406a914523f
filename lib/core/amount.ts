import type { Brand } from './brand.ts';

/** Millisatoshi, 0 <= amount < 2^64: the `u64` of the specs. Sums of it are plain bigint until `msat()` checked them again. */
export type Msat = Brand<bigint, 'msat'>;

/** Whole satoshi, 0 <= amount < 2^64. */
export type Sat = Brand<bigint, 'sat'>;

export const U64_MAX = (1n << 64n) - 1n;
const MSAT_PER_SAT = 1000n;

/** An amount of millisatoshi. @throws RangeError outside of u64. */
export function msat(value: bigint): Msat {
  if (typeof value !== 'bigint') throw new TypeError(`an amount is a bigint, got ${typeof value}`);
  if (value < 0n || value > U64_MAX) throw new RangeError(`${value} msat is not an unsigned 64-bit amount`);
  return value as Msat;
}

/** An amount given in satoshi, as millisatoshi: `sat(250_000n)`. @throws RangeError when it leaves u64. */
export const sat = (value: bigint): Msat => msat(value * MSAT_PER_SAT);

/** A size in whole satoshi, as of a channel. @throws RangeError outside of u64. */
export function wholeSat(value: bigint): Sat {
  if (value < 0n || value > U64_MAX) throw new RangeError(`${value} sat is not an unsigned 64-bit amount`);
  return value as Sat;
}

/** The whole satoshi that cover an amount. */
export const ceilToSat = (amount: Msat): Sat => wholeSat((amount + MSAT_PER_SAT - 1n) / MSAT_PER_SAT);

export const sum = (amounts: Iterable<Msat>): Msat => {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return msat(total);
};

/** An amount for people: `250 sat`, `0.001 sat`. */
export function formatSat(amount: bigint): string {
  const whole = amount / MSAT_PER_SAT;
  const rest = amount % MSAT_PER_SAT;
  const grouped = whole.toString().replace(/\B(?=(\d{3})+$)/g, ',');
  return rest === 0n ? `${grouped} sat` : `${grouped}.${rest.toString().padStart(3, '0').replace(/0+$/, '')} sat`;
}
