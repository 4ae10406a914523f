import { type Msat, msat, type Sat, wholeSat } from '../core/amount.ts';
import { PolicyError } from '../core/errors.ts';
import { judge, type Unfit } from '../protocol/lsps2/menu.ts';
import type { OpeningFeeParams, OpeningFeeTerms } from '../protocol/lsps2/openingFeeParams.ts';
import { largestCosting, smallestLeaving, smallestWithin } from '../protocol/lsps2/paymentBounds.ts';
import { checkFee, checkValidity, type Limits } from './limits.ts';
import { TermsError } from './terms.ts';

// One entry of a menu, judged for one wish.

/** What a menu entry is judged by. */
export interface Wish {
  /** What the payer will pay; `any` when the payer decides. */
  readonly amount: Msat | 'any';
  /** With `any`: what the payer probably pays, by which entries are compared. */
  readonly expected?: Msat | undefined;
  readonly limits: Limits;
  /** Our own `to_self_delay`, which the LSP bounds. */
  readonly toSelfDelayBlocks: number;
  /** Unix seconds. */
  readonly now: number;
}

/** The payments that an entry takes, inclusive. */
export interface Bounds {
  readonly minPaymentSize: Msat;
  readonly maxPaymentSize: Msat;
}

/** An entry that serves. */
export interface Fit {
  /** Of a fixed amount; with `any` it is not known yet. */
  readonly openingFee: Msat | undefined;
  /** Of the LSP; with `any` narrowed to what the limits allow. */
  readonly bounds: Bounds;
}

const WHY: Readonly<Record<Unfit, string>> = {
  expired: 'its offer has expired',
  payment_too_small: 'the payment is below its minimum',
  payment_too_large: 'the payment is above its maximum',
  overflow: 'its fee for this payment cannot be computed',
  fee_not_below_payment: 'its fee would eat the whole payment',
};

/** What an entry offers for a wish. @throws {@link TermsError}, PolicyError: it cannot serve. */
export function fitOf(params: OpeningFeeTerms, wish: Wish): Fit {
  const { amount, limits, now } = wish;
  const fixed = amount === 'any' ? undefined : judge(params, amount, now);
  if (now >= params.validUntil) throw unfit('expired', 'a payment');
  if (fixed && 'unfit' in fixed) throw unfit(fixed.unfit, `a payment of ${amount} msat`);
  const { maxClientToSelfDelayBlocks: most } = params;
  if (wish.toSelfDelayBlocks > most) {
    const ours = `this node's to_self_delay of ${wish.toSelfDelayBlocks} blocks`;
    throw new TermsError('to_self_delay_too_long', `${ours} is above the LSP's limit of ${most}`);
  }
  const bounds = amount === 'any' ? boundsOf(params, limits) : params;
  if (fixed && amount !== 'any') checkFee(limits, fixed.fee, amount);
  checkValidity(limits, params, now);
  const { minPaymentSize, maxPaymentSize } = bounds;
  return { openingFee: fixed?.fee, bounds: { minPaymentSize, maxPaymentSize } };
}

const unfit = (reason: Unfit, payment: string): TermsError =>
  new TermsError(reason, `the LSP cannot serve ${payment}: ${WHY[reason]}`);

/** Which payments an entry takes, so that the fee stays below the payment and within the limits. */
function boundsOf(params: OpeningFeeTerms, { maxFee, maxFeePpm }: Limits): Bounds {
  const leaving = smallestLeaving(params, msat(1n));
  if (leaving === undefined || leaving > params.maxPaymentSize) throw unfit('fee_not_below_payment', 'any payment');
  const within = maxFeePpm === undefined ? msat(0n) : smallestWithin(params, Math.floor(maxFeePpm));
  const costing = largestCosting(params, maxFee);
  const minPaymentSize = largest(params.minPaymentSize, leaving, within ?? params.maxPaymentSize + 1n);
  const maxPaymentSize = costing !== undefined && costing < params.maxPaymentSize ? costing : params.maxPaymentSize;
  const limit = within === undefined || minPaymentSize > params.maxPaymentSize ? 'maxFeePpm' : 'maxFee';
  if (costing === undefined || minPaymentSize > maxPaymentSize)
    throw new PolicyError(limit, `the LSP takes no payment whose fee is within your limit "${limit}"`);
  return { minPaymentSize: msat(minPaymentSize), maxPaymentSize };
}

const largest = (...values: readonly bigint[]): bigint => values.reduce((a, b) => (a > b ? a : b));

/**
 * What a channel must hold back for the peer: LDK asks for 1 % and at least this, the largest floor of the three
 * implementations. What a real LSP asks for is known only with its `open_channel`.
 */
const ASSUMED_RESERVE_SAT = wholeSat(1_000n);

/** The smallest payment that leaves something to spend, by an assumption: no spec lets an LSP say it beforehand. */
export interface EstimatedMinimum {
  readonly paymentSize: Msat;
  readonly assumes: { readonly channelReserve: Sat };
}

/** Undefined when no payment within the bounds leaves something to spend. */
export function estimateMinimum(params: OpeningFeeTerms, bounds: Bounds): EstimatedMinimum | undefined {
  const leaving = smallestLeaving(params, msat(ASSUMED_RESERVE_SAT * 1000n + 1n));
  if (leaving === undefined || leaving > bounds.maxPaymentSize) return undefined;
  const paymentSize = msat(largest(leaving, bounds.minPaymentSize));
  return { paymentSize, assumes: { channelReserve: ASSUMED_RESERVE_SAT } };
}

/** What was found of one entry of a menu: it serves when there is no `error`. */
export interface JudgedEntry {
  readonly params: OpeningFeeParams;
  /** For a fixed amount, where it can be computed. */
  readonly openingFee: Msat | undefined;
  /** A TermsError with its `reason`, or a PolicyError with its `limit`. */
  readonly error: TermsError | PolicyError | undefined;
}

/** Judges each entry. */
export function judgeEntry(params: OpeningFeeParams, wish: Wish): JudgedEntry & { readonly fit: Fit | undefined } {
  const { amount, now } = wish;
  const judged = amount === 'any' ? undefined : judge(params, amount, now);
  const openingFee = judged && 'fee' in judged ? judged.fee : undefined;
  try {
    return { params, openingFee, error: undefined, fit: fitOf(params, wish) };
  } catch (error) {
    if (!(error instanceof TermsError || error instanceof PolicyError)) throw error;
    return { params, openingFee, error, fit: undefined };
  }
}
