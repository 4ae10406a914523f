import { type Msat, msat } from '../core/amount.ts';
import { PolicyError } from '../core/errors.ts';
import { PPM } from '../protocol/lsps2/openingFee.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';
import type { OpeningFeeTerms } from '../protocol/lsps2/openingFeeParams.ts';

/** What the user agrees to. Checked on the quote, again when buying, and again on channel and payment. */
export interface Limits {
  /** The most that one channel may cost. */
  readonly maxFee: Msat;
  /** The same as a share of the payment, in parts per million; the share itself is rounded up to a millisatoshi. */
  readonly maxFeePpm?: number;
  /** The trust models that are acceptable; both when left out. An LSP may have its own (`LspSource.trust`). */
  readonly trust?: readonly Trust[];
  /**
   * Under LSP-trusts-client: how deep the funding transaction must be before a preimage is given (W5). Left out: not at
   * all, the LSP is trusted to have funded. 0: it must be seen in the mempool, which needs `ClientInit.chain`. 1 or more:
   * the channel opens with this `minimum_depth`, so the payer waits for blocks.
   */
  readonly confirmations?: number;
  /** How long an offer must still hold when it is bought. Default 120 s. */
  readonly minValiditySeconds?: number;
  /** The longest `to_self_delay` that the LSP may impose on us, in blocks. Default 2016. */
  readonly maxToSelfDelayBlocks?: number;
}

const DEFAULT_MIN_VALIDITY_SECONDS = 120;
export const DEFAULT_MAX_TO_SELF_DELAY_BLOCKS = 2016;
/** BOLT 2 has 32 bits for `minimum_depth`; nobody waits for more than a day. */
const CONFIRMATIONS_MAX = 144;

/** A limit that is no number would let everything through. @throws RangeError */
export function validateLimits(limits: Limits): void {
  msat(limits.maxFee);
  const numbers = { ...limits, maxFee: undefined, trust: undefined };
  for (const [name, value] of Object.entries(numbers)) {
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw new RangeError(`limits.${name}: not a number of at least 0`);
  }
  const { confirmations = 0 } = limits;
  if (!Number.isInteger(confirmations) || confirmations > CONFIRMATIONS_MAX)
    throw new RangeError(`limits.confirmations: not a whole number up to ${CONFIRMATIONS_MAX}`);
}

/** The most that a payment of this size may cost, and which limit says so. */
function feeLimit(limits: Limits, paymentSize: Msat): { readonly most: Msat; readonly limit: string } {
  const { maxFee, maxFeePpm } = limits;
  if (maxFeePpm === undefined) return { most: maxFee, limit: 'maxFee' };
  const share = (BigInt(Math.floor(maxFeePpm)) * paymentSize + PPM - 1n) / PPM;
  return share < maxFee ? { most: msat(share), limit: 'maxFeePpm' } : { most: maxFee, limit: 'maxFee' };
}

/** @throws {@link PolicyError} that names the limit. */
export function checkFee(limits: Limits, fee: Msat, paymentSize: Msat): void {
  const { most, limit } = feeLimit(limits, paymentSize);
  if (fee > most) throw new PolicyError(limit, `the fee of ${fee} msat is above your limit of ${most} msat`);
}

/** @throws {@link PolicyError} */
export function checkValidity(limits: Limits, { validUntil }: OpeningFeeTerms, now: number): void {
  const left = validUntil - now;
  if (left < (limits.minValiditySeconds ?? DEFAULT_MIN_VALIDITY_SECONDS)) {
    throw new PolicyError('minValiditySeconds', `the offer ends in ${left} s, sooner than you allow`);
  }
}

/** @throws {@link PolicyError} */
export function checkTrust(allowed: readonly Trust[] | undefined, trust: Trust): void {
  if (allowed && !allowed.includes(trust)) {
    throw new PolicyError('trust', `the LSP sells under "${trust}", which you do not accept`);
  }
}
