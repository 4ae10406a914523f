import { type Msat, msat } from '../core/amount.ts';
import { Lsps2Error } from '../core/errors.ts';
import { formatUri, type PeerUri } from '../core/ids.ts';
import { type Judged, judge, type Unfit } from '../protocol/lsps2/menu.ts';
import type { OpeningFeeParams } from '../protocol/lsps2/openingFeeParams.ts';
import { checkLimits, type Limits } from './limits.ts';

/** Why an LSP's terms cannot serve. */
export type TermsReason = Unfit | 'nothing_offered' | 'no_lsps2' | 'to_self_delay_too_long' | 'not_the_quote';

/** The LSP's terms do not fit this payment or this node. Ask for another amount, or ask another LSP. */
export class TermsError extends Lsps2Error {
  readonly code = 'terms';
  readonly reason: TermsReason;

  constructor(reason: TermsReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What a payment of one size costs at one LSP. Buying it buys exactly this. Frozen. */
export interface Quote {
  readonly lsp: string;
  /** What the payer pays. */
  readonly paymentSize: Msat;
  /** What the LSP keeps of it, once, for opening the channel. */
  readonly openingFee: Msat;
  /** What arrives: payment size less opening fee. */
  readonly net: Msat;
  /** The fee as a share of the payment, rounded up to a part per million. */
  readonly feePpm: number;
  /** Unix seconds. */
  readonly validUntil: number;
  /** Inclusive bounds of what the LSP takes under this entry. */
  readonly minPaymentSize: Msat;
  readonly maxPaymentSize: Msat;
  /** Position of the chosen entry in the LSP's menu: the cheapest one that fits the payment, the node and the limits. */
  readonly entry: number;
  /** What was found of every entry of the menu, in its order. */
  readonly judged: readonly Judged[];
  readonly params: OpeningFeeParams;
}

/** An LSP that cannot serve, and why. */
export interface Unusable {
  readonly lsp: string;
  readonly error: unknown;
}

/** What a menu entry is judged by. */
export interface Wish {
  readonly paymentSize: Msat;
  readonly limits: Limits;
  /** Our own `to_self_delay`, which the LSP bounds. */
  readonly toSelfDelayBlocks: number;
  readonly now: number;
}

/** The fee of one entry, if it serves. @throws {@link TermsError}, PolicyError */
export function feeOf(params: OpeningFeeParams, { paymentSize, limits, toSelfDelayBlocks, now }: Wish): Msat {
  const judged = judge(params, paymentSize, now);
  if ('unfit' in judged) {
    throw new TermsError(judged.unfit, `the LSP cannot serve a payment of ${paymentSize} msat: ${WHY[judged.unfit]}`);
  }
  const { maxClientToSelfDelayBlocks: most } = params;
  if (toSelfDelayBlocks > most) {
    const ours = `this node's to_self_delay of ${toSelfDelayBlocks} blocks`;
    throw new TermsError('to_self_delay_too_long', `${ours} is above the LSP's limit of ${most}`);
  }
  checkLimits(limits, { terms: params, fee: judged.fee, paymentSize, now });
  return judged.fee;
}

const PPM = 1_000_000n;

/** Chooses the cheapest entry of a menu that serves. @throws {@link TermsError}, PolicyError: of the nearest miss. */
export function chooseQuote(lsp: PeerUri, menu: readonly OpeningFeeParams[], wish: Wish): Quote {
  const misses: unknown[] = [];
  const fits = menu.flatMap((params, entry) => {
    try {
      return [{ params, entry, fee: feeOf(params, wish) }];
    } catch (error) {
      misses.push(error);
      return [];
    }
  });
  const [best] = fits.sort((a, b) => (a.fee === b.fee ? a.entry - b.entry : a.fee < b.fee ? -1 : 1));
  if (!best) throw nearestMiss(misses);
  const { params, fee, entry } = best;
  const { paymentSize } = wish;
  return Object.freeze({
    lsp: formatUri(lsp),
    paymentSize,
    openingFee: fee,
    net: msat(paymentSize - fee),
    feePpm: Number((fee * PPM + paymentSize - 1n) / paymentSize),
    validUntil: params.validUntil,
    minPaymentSize: params.minPaymentSize,
    maxPaymentSize: params.maxPaymentSize,
    entry,
    judged: Object.freeze(menu.map((each) => judge(each, paymentSize, wish.now))),
    params: Object.freeze(params),
  });
}

const WHY: Readonly<Record<Unfit, string>> = {
  expired: 'its offer has expired',
  payment_too_small: 'the payment is below its minimum',
  payment_too_large: 'the payment is above its maximum',
  overflow: 'its fee for this payment cannot be computed',
  fee_not_below_payment: 'its fee would eat the whole payment',
};

/** The miss that came nearest to a fit says most: an entry beyond the user's limits was at least of the right size. */
const FARTHEST_LAST: readonly string[] = [
  'to_self_delay_too_long',
  'fee_not_below_payment',
  'payment_too_small',
  'payment_too_large',
  'overflow',
  'expired',
];

function nearestMiss(misses: readonly unknown[]): unknown {
  if (misses.length === 0) return new TermsError('nothing_offered', 'the LSP offers no JIT channels to us now');
  const rank = (error: unknown) => (error instanceof TermsError ? FARTHEST_LAST.indexOf(error.reason) : -1);
  return [...misses].sort((a, b) => rank(a) - rank(b))[0];
}
