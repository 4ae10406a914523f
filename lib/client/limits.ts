import { type Msat, msat } from '../core/amount.ts';
import { PolicyError } from '../core/errors.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';
import type { OpeningFeeTerms } from '../protocol/lsps2/openingFeeParams.ts';

/** What the user agrees to. Checked on the quote, again when buying, and again on channel and payment. */
export interface Limits {
  /** The most that one channel may cost. */
  readonly maxFee: Msat;
  /** The same as a share of the payment, in parts per million. */
  readonly maxFeePpm?: number;
  /** The trust models that are acceptable; both when left out. */
  readonly trust?: readonly Trust[];
  /** How long an offer must still hold when it is bought. Default 120 s. */
  readonly minValiditySeconds?: number;
  /** The longest `to_self_delay` that the LSP may impose on us, in blocks. Default 2016. */
  readonly maxToSelfDelayBlocks?: number;
}

const DEFAULT_MIN_VALIDITY_SECONDS = 120;
export const DEFAULT_MAX_TO_SELF_DELAY_BLOCKS = 2016;
const PPM = 1_000_000n;

/** A limit that is no number would let everything through. @throws RangeError */
export function validateLimits(limits: Limits): void {
  msat(limits.maxFee);
  const numbers = { ...limits, maxFee: undefined, trust: undefined };
  for (const [name, value] of Object.entries(numbers)) {
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw new RangeError(`limits.${name}: not a number of at least 0`);
  }
}

/** @throws {@link PolicyError} that names the limit. */
export function checkLimits(
  limits: Limits,
  o: { readonly terms: OpeningFeeTerms; readonly fee: Msat; readonly paymentSize: Msat; readonly now: number },
): void {
  const { terms, fee, paymentSize, now } = o;
  if (fee > limits.maxFee)
    throw new PolicyError('maxFee', `the fee of ${fee} msat is above your limit of ${limits.maxFee} msat`);
  if (limits.maxFeePpm !== undefined && fee * PPM > BigInt(Math.floor(limits.maxFeePpm)) * paymentSize) {
    throw new PolicyError('maxFeePpm', `the fee of ${fee} msat is above your limit of ${limits.maxFeePpm} ppm`);
  }
  const left = terms.validUntil - now;
  if (left < (limits.minValiditySeconds ?? DEFAULT_MIN_VALIDITY_SECONDS)) {
    throw new PolicyError('minValiditySeconds', `the offer ends in ${left} s, sooner than you allow`);
  }
}

/** @throws {@link PolicyError} */
export function checkTrust(limits: Limits, trust: Trust): void {
  if (limits.trust && !limits.trust.includes(trust)) {
    throw new PolicyError('trust', `the LSP sells under "${trust}", which you do not accept`);
  }
}
