import { type Msat, msat, U64_MAX } from '../../core/amount.ts';
import { type FeeRate, PPM } from './openingFee.ts';

// Which payments a rate can carry, in closed form: the opening fee never falls as the payment grows.

/** The smallest payment of which at least `net` is left after the opening fee; undefined when none is large enough. */
export function smallestLeaving({ minFee, proportionalPpm }: FeeRate, net: Msat): Msat | undefined {
  const kept = PPM - BigInt(proportionalPpm);
  if (kept <= 0n) return undefined;
  const byShare = ceilDiv(net * PPM, kept);
  const size = larger(byShare, minFee + net);
  return size > U64_MAX ? undefined : msat(size);
}

/** The largest payment whose opening fee can be computed and is at most `fee`; undefined when every one costs more. */
export function largestCosting({ minFee, proportionalPpm }: FeeRate, fee: Msat): Msat | undefined {
  if (minFee > fee) return undefined;
  if (proportionalPpm === 0) return msat(U64_MAX);
  const ppm = BigInt(proportionalPpm);
  // ceil(size * ppm / 1,000,000) <= fee, and size * ppm + 999,999 within u64.
  return msat(smaller(fee * PPM, U64_MAX - (PPM - 1n)) / ppm);
}

/** The smallest payment of which the rate takes at most this share, in parts per million, itself rounded up. */
export function smallestWithin({ minFee, proportionalPpm }: FeeRate, sharePpm: number): Msat | undefined {
  if (proportionalPpm > sharePpm) return undefined;
  if (minFee === 0n) return msat(0n);
  if (sharePpm === 0) return undefined;
  const size = ((minFee - 1n) * PPM) / BigInt(sharePpm) + 1n;
  return size > U64_MAX ? undefined : msat(size);
}

const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
