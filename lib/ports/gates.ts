import type { Msat, Sat } from '../core/amount.ts';
import type { ChannelId, NodeId, PaymentHash } from '../core/ids.ts';

/** An inbound `open_channel`, before anything was answered. */
export interface ChannelOffer {
  readonly peer: NodeId;
  /** The node's own name for the offer, used once: not the temporary_channel_id, which the peer picks. */
  readonly offerId: string;
  readonly capacity: Sat;
  readonly push: Msat;
  /** `announce_channel`: whether the channel would be public. */
  readonly announced: boolean;
  /** Whether option_scid_alias is negotiated, in the channel type or in `init`. */
  readonly scidAlias: boolean;
  /** The `to_self_delay` that the peer imposes on us, in blocks. */
  readonly toSelfDelayBlocks: number;
}

export type ChannelAnswer =
  /** Accept with this `minimum_depth`; 0 is zero-conf. */
  | { readonly accept: true; readonly minimumDepth: number }
  /** Refuse with a BOLT 1 `error`; `code` is for the log and the user, `message` for the peer. */
  | { readonly accept: false; readonly code: string; readonly message: string };

/** One HTLC of a payment, where the node shows them singly (CLN, LND; LDK does not). */
export interface ArrivedPart {
  /** The amount of the HTLC. */
  readonly amount: Msat;
  /** The `extra_fee` TLV; 0 when absent. */
  readonly extraFee: Msat;
  /** `amt_to_forward` of the onion. */
  readonly onionAmount: Msat;
}

/** All HTLCs of one payment, complete by its onions, before the preimage is given. */
export interface PartSet {
  readonly paymentHash: PaymentHash;
  /** What would be claimed. */
  readonly received: Msat;
  /** The sum of all `extra_fee`s. */
  readonly extraFee: Msat;
  /** Who sent them. Without it no extra fee is accepted. LDK names the peer of one of the parts. */
  readonly peer?: NodeId | undefined;
  readonly channelId?: ChannelId | undefined;
  readonly parts?: readonly ArrivedPart[] | undefined;
}

/**
 * Decisions that the wallet makes and the node carries out. The node asks for every channel and every payment. What it only
 * tells (gone, ready, claimed) it tells again until the promise resolves, to the next gates if need be.
 */
export interface Gates {
  channelOffered(offer: ChannelOffer): Promise<ChannelAnswer>;
  /** An accepted channel that came to nothing: `error`ed by the peer, or never funded. */
  channelGone(offerId: string): Promise<void>;
  channelReady(o: { readonly offerId: string; readonly channelId: ChannelId }): Promise<void>;
  /** A rejected promise means fail. */
  partsArrived(set: PartSet): Promise<'claim' | 'fail'>;
  /** The preimage is out and the money is ours. */
  partsClaimed(o: { readonly paymentHash: PaymentHash; readonly received: Msat }): Promise<void>;
}
