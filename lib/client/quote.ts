import { type Msat, msat } from '../core/amount.ts';
import { Lsps2Error } from '../core/errors.ts';
import { formatUri, type PeerUri } from '../core/ids.ts';
import { type Judged, judge, type Unfit } from '../protocol/lsps2/menu.ts';
import type { OpeningFeeParams } from '../protocol/lsps2/openingFeeParams.ts';
import { checkLimits, type Limits } from './limits.ts';

/** Why an LSP's terms cannot serve. */
export type TermsReason = Unfit | 'nothing_offered' | 'no_lsps2' | 'to_self_delay_too_long';

/** The LSP's terms do not fit this payment or this node. Ask for another amount, or ask another LSP. */
export class TermsError extends Lsps2Error {
  readonly code = 'terms';
  readonly reason: TermsReason;

  constructor(reason: TermsReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What a payment of one size costs at one LSP. Buying it buys exactly this. */
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
  /** Position of the chosen entry in the LSP's menu: the cheapest one that fits. */
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

export interface Choice {
  readonly lsp: PeerUri;
  readonly menu: readonly OpeningFeeParams[];
  readonly paymentSize: Msat;
  readonly limits: Limits;
  /** Our own `to_self_delay`, which the LSP bounds. */
  readonly toSelfDelayBlocks: number;
  readonly now: number;
}

const PPM = 1_000_000n;

/**
 * Chooses the cheapest entry of a menu for a payment, and holds it against the user's limits.
 * @throws {@link TermsError}, PolicyError
 */
export function chooseQuote({ lsp, menu, paymentSize, limits, toSelfDelayBlocks, now }: Choice): Quote {
  const judged = menu.map((params) => judge(params, paymentSize, now));
  const [best] = menu
    .flatMap((params, entry) => {
      const found = judged[entry];
      return found && 'fee' in found ? [{ params, entry, fee: found.fee }] : [];
    })
    .sort((a, b) => (a.fee === b.fee ? a.entry - b.entry : a.fee < b.fee ? -1 : 1));
  if (!best) throw unfit(judged, paymentSize);
  const { params, fee, entry } = best;
  if (toSelfDelayBlocks > params.maxClientToSelfDelayBlocks) {
    throw new TermsError(
      'to_self_delay_too_long',
      `this node's to_self_delay of ${toSelfDelayBlocks} blocks is above the LSP's limit of ${params.maxClientToSelfDelayBlocks}`,
    );
  }
  checkLimits(limits, { terms: params, fee, paymentSize, now });
  return {
    lsp: formatUri(lsp),
    paymentSize,
    openingFee: fee,
    net: msat(paymentSize - fee),
    feePpm: Number((fee * PPM + paymentSize - 1n) / paymentSize),
    validUntil: params.validUntil,
    minPaymentSize: params.minPaymentSize,
    maxPaymentSize: params.maxPaymentSize,
    entry,
    judged,
    params,
  };
}

const WHY: Readonly<Record<Unfit, string>> = {
  expired: 'all its offers have expired',
  payment_too_small: 'the payment is below its minimum',
  payment_too_large: 'the payment is above its maximum',
  overflow: 'its fee for this payment cannot be computed',
  fee_not_below_payment: 'its fee would eat the whole payment',
};

/** The reason that is nearest to a fit says most: an entry that is too dear was at least of the right size. */
const NEAREST: readonly Unfit[] = [
  'fee_not_below_payment',
  'payment_too_small',
  'payment_too_large',
  'overflow',
  'expired',
];

function unfit(judged: readonly Judged[], paymentSize: Msat): TermsError {
  const reasons = new Set(judged.flatMap((each) => ('unfit' in each ? [each.unfit] : [])));
  const reason = NEAREST.find((each) => reasons.has(each));
  if (!reason) return new TermsError('nothing_offered', 'the LSP offers no JIT channels to us now');
  return new TermsError(reason, `the LSP cannot serve a payment of ${paymentSize} msat: ${WHY[reason]}`);
}
