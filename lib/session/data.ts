import type { Msat } from '../core/amount.ts';
import type { FailureReason } from '../core/failureCode.ts';
import type { ChannelId, NodeId, PaymentHash, Txid } from '../core/ids.ts';
import type { Scid } from '../core/scid.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';

// Plain data, all of it: it is saved after every step.

/** What was sold. It never changes. Its key is the scid. */
export interface Offer {
  readonly scid: Scid;
  readonly client: NodeId;
  readonly trust: Trust;
  /** Undefined: the payer decides, with one HTLC (bLIP-52 section 2, no-MPP+var-invoice). */
  readonly paymentSize?: Msat | undefined;
  /** Of `paymentSize`, computed when it was sold; undefined with it: then it is computed on the one HTLC. */
  readonly openingFee?: Msat | undefined;
  /** Of the terms it was sold under. A set may overpay, but never beyond the maximum. */
  readonly minPaymentSize: Msat;
  readonly maxPaymentSize: Msat;
  readonly minFee: Msat;
  readonly proportionalPpm: number;
  /** Unix seconds. */
  readonly validUntil: number;
  readonly maxClientToSelfDelayBlocks: number;
  readonly minLifetimeBlocks: number;
  readonly lspCltvExpiryDelta: number;
}

/** The operator's limits. */
export interface Rules {
  /** From the first part to giving up on the others (bLIP-52 section 4: at least 90). */
  readonly collectSeconds: number;
  /** From `open_channel` to `accept_channel`. */
  readonly acceptSeconds: number;
  /** From `funding_created` to `funding_signed`. */
  readonly fundSeconds: number;
  /** From `funding_signed` to `channel_ready` of both; the client may wait for confirmations. */
  readonly readySeconds: number;
  /** Blocks that every part must still have to its outgoing expiry while we hold it. */
  readonly cltvMarginBlocks: number;
  readonly partsMax: number;
  /** The least that a part may carry: smaller ones cost more to move than they bring. */
  readonly partMin: Msat;
  /** Payments that may collect on one purchase at the same time. */
  readonly sessionsMax: number;
  /** Channels that a client may refuse before its purchase is over. */
  readonly refusalsMax: number;
  /** What becomes of a channel that was broadcast and is still unpaid when `valid_until` passes. */
  readonly unpaidChannels: 'close' | 'keep';
}

export interface Part {
  readonly id: string;
  /** `amt_to_forward` of its onion: what the payer meant for the client. */
  readonly amount: Msat;
  /** Height at which the HTLC to the client would expire. */
  readonly outgoingExpiryHeight: number;
}

/** A part on its way to the client, and how that ended. */
export interface Forwarded extends Part {
  readonly extraFee: Msat;
  readonly outcome: 'pending' | 'settled' | 'failed';
}

/** How far the opening of a channel has come; it only ever goes on. */
export type Stage = 'opening' | 'accepted' | 'funded' | 'ready' | 'closed';

/** The one channel of a purchase. It may outlive the session that opened it. */
export interface Channel {
  /** Which open of this purchase it is, from 1: news of an earlier one is not news of this one. */
  readonly attempt: number;
  readonly stage: Stage;
  /** `ordered` is written before the transaction can be out: from then on there is no second channel (L1). */
  readonly broadcast: 'no' | 'ordered' | 'done';
  readonly htlcMinimum?: Msat;
  /** Parts that it carries at once, where the node tells (`max_accepted_htlcs`). */
  readonly partsMax?: number | undefined;
  /** Nobody paid for it in time: we are closing it. */
  readonly closing?: true;
  readonly channelId?: ChannelId;
  readonly fundingTxid?: Txid;
}

export type State =
  /** Parts are held until they add up to the payment and the client is there. */
  | { readonly tag: 'collecting'; readonly parts: readonly Part[]; readonly since: number }
  /**
   * The set is complete, its channel on the way. `deadline`: when the step under way must be done, Unix seconds. Parts that
   * came after completion are `late`, since `lateSince`: they travel when the fee is settled.
   */
  | {
      readonly tag: 'awaitingChannel';
      readonly parts: readonly Part[];
      readonly deadline: number;
      readonly late: readonly Part[];
      readonly lateSince: number;
    }
  /** The parts are with the client. */
  | {
      readonly tag: 'awaitingSettlement';
      readonly forwarded: readonly Forwarded[];
      readonly late: readonly Part[];
      readonly lateSince: number;
    }
  /** The client paid; its withheld funding transaction is being broadcast. */
  | {
      readonly tag: 'broadcasting';
      readonly forwarded: readonly Forwarded[];
      readonly late: readonly Part[];
      readonly lateSince: number;
    }
  /** Every part resolved, the fee settled in full; or passed on untouched, because another payment had settled it. */
  | { readonly tag: 'succeeded' }
  /** Ended without a channel: the purchase is given back. */
  | { readonly tag: 'failed'; readonly reason: EndReason }
  /** Ended with a channel that nobody, or not everybody, paid for. */
  | { readonly tag: 'abandoned'; readonly reason: EndReason };

export type EndReason =
  | 'collectTimedOut'
  | 'offerExpired'
  | 'cltvMarginGone'
  | 'clientDisconnected'
  | 'clientRefused'
  | 'channelFailed'
  | 'channelUnfit'
  | 'tooManyUnpaidChannels'
  | 'openTimedOut'
  | 'feeNotBearable'
  | 'partsGone'
  | 'restarted'
  | 'paymentFailed'
  | 'underpaid';

export type Input =
  | { readonly tag: 'partArrived'; readonly part: Part }
  | { readonly tag: 'collectTimedOut' }
  | { readonly tag: 'offerExpired' }
  | { readonly tag: 'openTimedOut' }
  | { readonly tag: 'clientConnected' }
  | { readonly tag: 'clientDisconnected' }
  | { readonly tag: 'channelAccepted'; readonly limits: Limits }
  | { readonly tag: 'channelFunded' }
  | { readonly tag: 'channelReady' }
  | { readonly tag: 'channelRefused' }
  | { readonly tag: 'channelFailed' }
  | { readonly tag: 'fundingBroadcast' }
  | { readonly tag: 'partSettled'; readonly id: string }
  | { readonly tag: 'partFailed'; readonly id: string }
  /** A held part is no longer there: its node gave it back by itself. */
  | { readonly tag: 'partGone'; readonly id: string }
  | { readonly tag: 'blockConnected' }
  /** The LSP was away, and is back with what it had saved. `held`: the parts that its node holds, not forwarded yet. */
  | { readonly tag: 'resumed'; readonly held: readonly string[] }
  /** The session that owned the purchase ended without settling the fee. */
  | { readonly tag: 'purchaseGivenBack' }
  /** The session that owned the purchase settled the fee in full. */
  | { readonly tag: 'purchasePaid' };

/** What the client's `accept_channel` allows. */
export interface Limits {
  readonly sendable: Msat;
  readonly htlcMinimum: Msat;
  readonly toSelfDelayBlocks: number;
  readonly minimumDepth: number;
  /** `max_accepted_htlcs`, where the node tells. */
  readonly partsMax?: number | undefined;
}

/** What is done for a payment. */
export type PartEffect =
  | { readonly tag: 'wakeClient' }
  | { readonly tag: 'forwardPart'; readonly id: string; readonly amount: Msat; readonly extraFee: Msat }
  | { readonly tag: 'failPart'; readonly id: string; readonly reason: FailureReason };

/** What is done with the channel of the purchase. */
export type ChannelEffect =
  | { readonly tag: 'openChannel'; readonly net: Msat }
  | { readonly tag: 'fundChannel' }
  | { readonly tag: 'broadcastFunding' }
  | { readonly tag: 'abandonChannel' }
  | { readonly tag: 'closeChannel' };

export type Effect = PartEffect | ChannelEffect;

/** What a handler may look at, besides its own state and input. */
export interface View {
  readonly offer: Offer;
  readonly rules: Rules;
  /** Unix seconds. */
  readonly now: number;
  readonly height: number;
  readonly clientConnected: boolean;
  /** Whose session this is. */
  readonly paymentHash: PaymentHash;
  readonly channel: Channel | undefined;
  /** What of the opening fee is settled, or on its way with a part. */
  readonly feeTaken: Msat;
  /** Whether another session holds the channel or opens one. */
  readonly taken: boolean;
  readonly refusalsLeft: number;
  readonly mayOpen: boolean;
  /** Whether this purchase was underpaid before. */
  readonly underpaid: boolean;
}

type ByTag<Union extends { readonly tag: string }> = { readonly [Each in Union as Each['tag']]: Each };
export type StateOf<Tag extends State['tag']> = ByTag<State>[Tag];
export type InputOf<Tag extends Input['tag']> = ByTag<Input>[Tag];
export type Next<Tag extends State['tag']> = { readonly state: StateOf<Tag>; readonly effects: readonly Effect[] };
