import type { Msat } from '../core/amount.ts';

/** What a payment brings: `gross = received + fee`. */
export interface Amounts {
  readonly gross: Msat;
  /** Extra fees that the LSP took out of it. */
  readonly fee: Msat;
  readonly received: Msat;
}

/** Where a purchase stands. */
export type PurchaseState =
  /** The invoice is out; nothing has come yet. */
  | { readonly tag: 'waiting' }
  /** The LSP's channel was let in. */
  | { readonly tag: 'channelOpening' }
  /** Money is here and not taken yet: more parts are to come, its channel's funding is to be seen, or your preimage is missing. */
  | ({ readonly tag: 'held'; readonly until: 'parts' | 'funding' | 'preimage' } & Amounts)
  /** A payment passed the gate; its preimage is given. */
  | ({ readonly tag: 'claiming' } & Partial<Amounts>)
  /** The money is ours, over all payments to this invoice. */
  | ({ readonly tag: 'paid' } & Amounts)
  /** The last channel or payment was refused; its payer has the money back. A right one is still taken until the end. */
  | { readonly tag: 'refused'; readonly what: 'channel'; readonly reason: RefusalReason }
  | ({ readonly tag: 'refused'; readonly what: 'payment'; readonly reason: RefusalReason } & Partial<Amounts>)
  /** Nobody paid in time. Final. */
  | { readonly tag: 'expired' }
  /** The user gave it up. Final. */
  | { readonly tag: 'cancelled' };

/** Why a gate said no. */
export type RefusalReason =
  | 'not_bought'
  | 'public_channel'
  | 'no_scid_alias'
  | 'pushed_amount'
  | 'channel_too_small'
  | 'to_self_delay_too_long'
  | 'unsupported_type'
  | 'overcharged'
  | 'underpaid'
  | 'over_limit'
  | 'part_amount_wrong'
  | 'fee_from_another_peer'
  | 'fee_not_agreed'
  | 'several_parts'
  | 'fees_not_taken'
  | 'funding_not_seen'
  | 'funding_wrong'
  | 'expired'
  | 'cancelled';

/** What went wrong after the money was ours; it is still ours, or was spent in vain. */
export type AlertReason =
  /** Under client-trusts-LSP the preimage was given, and the funding transaction is not to be seen. */
  | 'funding_not_seen'
  /** The LSP closed the channel before `min_lifetime` was over. */
  | 'closed_early'
  /** The node took a payment without telling what the LSP kept of it. */
  | 'fee_unknown'
  /** The channel was closed before the payment was settled over it: the node claims it on the chain. */
  | 'closed_while_claiming'
  /** Of several parts the node gave some back before it had the preimage, as when it was killed in that moment. */
  | 'partly_settled';
