import { type Msat, msat, U64_MAX } from '../../core/amount.ts';

export const PPM = 1_000_000n;

/** The two numbers of an `opening_fee_params` that make the price. */
export interface FeeRate {
  readonly minFee: Msat;
  readonly proportionalPpm: number;
}

/**
 * The opening fee of a payment (bLIP-52 "Computing the opening_fee"): proportional and rounded up, at least the minimum.
 * `undefined` when the spec's unsigned 64-bit arithmetic overflows: abort the flow.
 */
export function openingFee(rate: FeeRate, paymentSize: Msat): Msat | undefined {
  const product = paymentSize * BigInt(rate.proportionalPpm);
  if (product > U64_MAX) return undefined;
  const rounded = product + (PPM - 1n);
  if (rounded > U64_MAX) return undefined;
  const fee = rounded / PPM;
  return msat(fee < rate.minFee ? rate.minFee : fee);
}
