import type { AlertReason, PurchaseState, RefusalReason } from '../client/state.ts';
import { formatSat } from '../core/amount.ts';

export * from './errors.ts';

/** What to tell a user, by language-neutral code: replace any of it to translate. */
export const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  not_bought: 'A channel was offered that was never bought, and was turned away.',
  public_channel: 'The LSP opened a public channel instead of the private one that was sold.',
  no_scid_alias: 'The LSP opened a channel that cannot be referred to by an alias, unlike the one that was sold.',
  pushed_amount: 'The LSP opened a channel with money pushed into it, unlike the one that was sold.',
  channel_too_small: 'The LSP opened a channel that is too small for the payment.',
  to_self_delay_too_long: 'The LSP wants to lock your money for longer than you allow.',
  unsupported_type: 'Your node cannot open the kind of channel that this LSP opens. Use another LSP.',
  overcharged: 'The LSP kept more of the payment than it had promised.',
  underpaid: 'The payment was smaller than the invoice.',
  over_limit: 'The fee of this payment is above your limit.',
  fees_not_taken: 'Your node cannot take a fee over this channel any more. Make a new invoice.',
  several_parts: 'The payment came in parts, which its invoice did not allow.',
  funding_not_seen: 'The LSP’s channel was not seen on the chain in time.',
  funding_wrong: 'The LSP’s channel is not funded as it should be.',
  part_amount_wrong: 'The amounts of the payment do not add up.',
  fee_from_another_peer: 'Somebody other than the LSP took a fee out of the payment.',
  fee_not_agreed: 'A fee was taken out of a payment for which none was agreed.',
  expired: 'The payment came after its invoice had ended.',
  cancelled: 'The payment was for an invoice that you had cancelled.',
};

/** What to tell a user of a payment that is his already. */
export const ALERTS: Readonly<Record<AlertReason, string>> = {
  funding_not_seen: 'You were paid, but the LSP has not funded the channel: the money cannot be spent. Ask the LSP.',
  closed_early: 'The LSP closed the channel sooner than it had promised.',
  fee_unknown: 'Your node did not tell how much the LSP kept of this payment.',
  closed_while_claiming:
    'The channel was closed while this payment was being settled. Your node claims the money on the chain: leave it and this wallet running.',
  partly_settled: 'Only a part of this payment reached you: your node gave the rest back before it could be settled.',
};

const HELD = {
  parts: 'A part of the payment is here; the rest is on its way.',
  funding: 'The payment is here; its channel is not on the chain yet.',
  preimage: 'The payment is here, and waits for you to take it.',
} as const;

/** One sentence about where a purchase stands. */
export function describeState(state: PurchaseState): string {
  switch (state.tag) {
    case 'waiting':
      return 'Waiting for the payment.';
    case 'channelOpening':
      return 'The payment is on its way; its channel is being opened.';
    case 'held':
      return HELD[state.until];
    case 'claiming':
      return 'The payment has arrived and is being settled.';
    case 'paid':
      return `Paid: ${formatSat(state.received)} received, ${formatSat(state.fee)} for the channel.`;
    case 'refused':
      return REFUSALS[state.reason];
    case 'expired':
      return 'Nobody paid in time.';
    case 'cancelled':
      return 'Cancelled.';
  }
}
