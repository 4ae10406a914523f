import type { Msat, Sat } from '../core/amount.ts';
import type { ChannelId, NodeId, PaymentHash, Txid } from '../core/ids.ts';

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
  /** True: the node cannot open a channel of this type, and would fail it after the gate's yes. */
  readonly unsupportedType?: boolean;
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
  /** From whom, where a set came from several. */
  readonly peer?: NodeId | undefined;
}

/** A channel over which a payment came. */
export interface UsedChannel {
  readonly channelId: ChannelId;
  readonly peer: NodeId;
  /** True: its funding has a confirmation at least (an lnd says so after six); false: as far as the node says, none; undefined: it does not tell. */
  readonly confirmed?: boolean | undefined;
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
  /** All channels over which it came, where the node can tell them all. */
  readonly channels?: readonly UsedChannel[] | undefined;
  readonly parts?: readonly ArrivedPart[] | undefined;
}

/** The output that funds a channel. */
export interface Funding {
  readonly txid: Txid;
  readonly vout: number;
  /** Its locking script, hex: what the two funding keys make, not what the peer says. */
  readonly script: string;
  readonly value: Sat;
}

/** A channel that was let in and is ready. */
export interface ReadyChannel {
  readonly offerId: string;
  readonly channelId: ChannelId;
  /** Where the node knows it. */
  readonly funding?: Funding | undefined;
  /** False: the node cannot take a payment with an extra fee over it any more. */
  readonly takesFees?: boolean;
}

/** A ready channel that was closed. */
export interface ClosedChannel {
  readonly offerId: string;
  /** Whether the peer, not this node, began it. */
  readonly byPeer: boolean;
  /** Blocks since it was ready: at least its confirmations. */
  readonly ageBlocks: number;
}

/** `preimage`: what the caller keeps, 64 hex characters; else the node has it. */
export type PartsAnswer = 'claim' | 'fail' | { readonly preimage: string };

/**
 * Decisions that the wallet makes and the node carries out. The node asks for every channel and every payment. What it only
 * tells (gone, ready, closed, claimed) it tells again until the promise resolves, to the next gates if need be.
 */
export interface Gates {
  channelOffered(offer: ChannelOffer): Promise<ChannelAnswer>;
  /** An accepted channel that came to nothing: `error`ed by the peer, or never funded. */
  channelGone(offerId: string): Promise<void>;
  channelReady(o: ReadyChannel): Promise<void>;
  /** A ready channel is no more. */
  channelClosed(o: ClosedChannel): Promise<void>;
  /** Some of a payment is here, as much as `received`; the rest is still to come. A node that cannot tell does not. */
  partsHeld(o: { readonly paymentHash: PaymentHash; readonly received: Msat }): Promise<void>;
  /**
   * What was here of a payment was given back by the node itself, and no claim of it was begun. With amounts: a set that the gates
   * were asked about. Without: parts that never were a set, or whatever these gates still count on after a restart.
   */
  partsGone(o: {
    readonly paymentHash: PaymentHash;
    readonly received?: Msat | undefined;
    readonly extraFee?: Msat | undefined;
  }): Promise<void>;
  /**
   * May take as long as the HTLCs live: the node gives them back by itself in time. A rejected promise means fail. Asked again
   * after a restart for a payment that was neither claimed nor failed.
   */
  partsArrived(set: PartSet): Promise<PartsAnswer>;
  /**
   * The preimage is out and the money is ours. `extraFee`: what was kept of it as far as the node can say, where the gates do not count on the
   * payment, as with a node that takes payments without asking `partsArrived`. `missing`: of what was claimed, what did not come after all.
   */
  partsClaimed(o: {
    readonly paymentHash: PaymentHash;
    readonly received: Msat;
    readonly extraFee?: Msat | 'unknown';
    readonly missing?: Msat;
  }): Promise<void>;
}
