import { type Msat, msat } from '../core/amount.ts';
import { formatUri, type PeerUri } from '../core/ids.ts';
import { openingFee, PPM } from '../protocol/lsps2/openingFee.ts';
import type { OpeningFeeParams } from '../protocol/lsps2/openingFeeParams.ts';
import { type EstimatedMinimum, estimateMinimum, type Fit, type JudgedEntry, judgeEntry, type Wish } from './entry.ts';
import { TermsError } from './terms.ts';

interface QuoteBase {
  readonly lsp: string;
  /** The LSPS numbers that the LSP says it speaks (bLIP-50 `lsps0.list_protocols`). */
  readonly protocols?: readonly number[];
  /** Unix seconds. */
  readonly validUntil: number;
  /** Inclusive bounds of what the LSP takes under this entry; with `any`, as far as your limits allow it. */
  readonly minPaymentSize: Msat;
  readonly maxPaymentSize: Msat;
  /** An estimate: a payment below it arrives, but leaves nothing to spend. Undefined: every payment taken is below. */
  readonly estimatedMinimum: EstimatedMinimum | undefined;
  /** Who has to trust whom is told only by the result of buying (bLIP-52 section 2). */
  readonly trust: 'unknown';
  /** Position of the chosen entry in the LSP's menu: the cheapest one that fits the payment, the node and the limits. */
  readonly entry: number;
  /** What was found of every entry of the menu, in its order. */
  readonly menu: readonly JudgedEntry[];
  readonly params: OpeningFeeParams;
}

/** What a payment costs. */
export interface Price {
  /** What the payer pays. */
  readonly paymentSize: Msat;
  /** What the LSP keeps of it, once, for opening the channel. */
  readonly openingFee: Msat;
  /** What arrives: payment size less opening fee. */
  readonly net: Msat;
  /** The fee as a share of the payment, rounded up to a part per million. */
  readonly feePpm: number;
}

/** What a payment of one size costs at one LSP. Buying it buys exactly this. Frozen. */
export interface FixedQuote extends QuoteBase, Price {
  readonly kind: 'fixed';
}

/** What payments cost at one LSP when the payer decides how much to pay: see `priceOf`. Frozen. */
export interface AnyQuote extends QuoteBase {
  readonly kind: 'any';
  readonly minFee: Msat;
  /** Parts per million of the payment. */
  readonly proportionalPpm: number;
}

export type Quote = FixedQuote | AnyQuote;

/** An LSP that cannot serve, and why. */
export interface Unusable {
  readonly lsp: string;
  /** The LSPS numbers that it says it speaks, where it answered. */
  readonly protocols?: readonly number[];
  readonly error: unknown;
  /** Its menu, where it sent one. */
  readonly menu?: readonly JudgedEntry[];
}

/** What a payment of this size would cost under a quote. @throws TermsError when the quote does not take it. */
export function priceOf(quote: Quote, paymentSize: Msat): Price {
  if (paymentSize < quote.minPaymentSize) throw new TermsError('payment_too_small', 'below what the quote takes');
  if (paymentSize > quote.maxPaymentSize) throw new TermsError('payment_too_large', 'above what the quote takes');
  const fee = openingFee(quote.params, paymentSize);
  if (fee === undefined) throw new TermsError('overflow', 'its fee for this payment cannot be computed');
  if (fee >= paymentSize) throw new TermsError('fee_not_below_payment', 'its fee would eat the whole payment');
  return price(paymentSize, fee);
}

const price = (paymentSize: Msat, fee: Msat): Price => ({
  paymentSize,
  openingFee: fee,
  net: msat(paymentSize - fee),
  feePpm: Number((fee * PPM + paymentSize - 1n) / paymentSize),
});

/** Chooses the cheapest entry of a menu that serves, or says what was wrong with each. */
export function chooseQuote(lsp: PeerUri, offered: readonly OpeningFeeParams[], wish: Wish): Quote | Unusable {
  const judged = offered.map((params) => judgeEntry(params, wish));
  const menu = Object.freeze(
    judged.map(({ params, openingFee: fee, error }) => Object.freeze({ params, openingFee: fee, error })),
  );
  const quotes = judged.flatMap(({ params, fit }, entry) =>
    fit ? [toQuote(formatUri(lsp), { params, fit, entry, menu, amount: wish.amount })] : [],
  );
  const best = cheapest(quotes, wish.expected);
  return best ?? { lsp: formatUri(lsp), error: nearestMiss(judged), menu };
}

function toQuote(
  lsp: string,
  o: {
    readonly params: OpeningFeeParams;
    readonly fit: Fit;
    readonly entry: number;
    readonly menu: readonly JudgedEntry[];
    readonly amount: Msat | 'any';
  },
): Quote {
  const { params, fit, entry, menu, amount } = o;
  const { bounds, openingFee: fee } = fit;
  const { validUntil, minFee, proportionalPpm } = params;
  const base = {
    lsp,
    validUntil,
    ...bounds,
    estimatedMinimum: estimateMinimum(params, bounds),
    trust: 'unknown',
    entry,
    menu,
    params: Object.freeze(params),
  } as const;
  return Object.freeze(
    amount === 'any' || fee === undefined
      ? { kind: 'any', ...base, minFee, proportionalPpm }
      : { kind: 'fixed', ...base, ...price(amount, fee) },
  );
}

/**
 * The quote that costs least: for the fixed amount; for `any`, at `expected`, or else at the smallest payment that all of
 * them take. What does not take that payment comes after what does. Of equals the first.
 */
export function cheapest<Q extends Quote>(quotes: readonly Q[], expected?: Msat): Q | undefined {
  const at = expected ?? quotes.reduce((most, { minPaymentSize: each }) => (each > most ? each : most), msat(0n));
  const cost = (each: Quote): bigint => {
    if (each.kind === 'fixed') return each.openingFee;
    const takes = at >= each.minPaymentSize && at <= each.maxPaymentSize;
    const fee = takes ? openingFee(each.params, at) : undefined;
    return fee ?? NOT_TAKEN;
  };
  return quotes.reduce<Q | undefined>((best, each) => (best && cost(best) <= cost(each) ? best : each), undefined);
}

/** More than any fee of 64 bits. */
const NOT_TAKEN = 1n << 64n;

/** The miss that came nearest to a fit says most: an entry beyond the user's limits was at least of the right size. */
const FARTHEST_LAST: readonly string[] = [
  'to_self_delay_too_long',
  'fee_not_below_payment',
  'payment_too_small',
  'payment_too_large',
  'overflow',
  'expired',
];

function nearestMiss(judged: readonly JudgedEntry[]): unknown {
  if (judged.length === 0) return new TermsError('nothing_offered', 'the LSP offers no JIT channels to us now');
  const rank = (error: unknown) => (error instanceof TermsError ? FARTHEST_LAST.indexOf(error.reason) : -1);
  return judged.map(({ error }) => error).sort((a, b) => rank(a) - rank(b))[0];
}
