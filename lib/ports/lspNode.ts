import type { Msat, Sat } from '../core/amount.ts';
import type { FailureReason } from '../core/failureCode.ts';
import type { ChannelId, NodeId, PaymentHash, Txid } from '../core/ids.ts';
import type { Network } from '../core/network.ts';
import type { Scid } from '../core/scid.ts';
import type { Stop } from './abort.ts';
import type { PeerMessages } from './peerMessages.ts';

/** An HTLC that the node holds because its onion names a JIT scid as the next hop. */
export interface InterceptedPart {
  /** Opaque, unique for the life of the HTLC, the same again after a restart of the node. */
  readonly id: string;
  readonly scid: Scid;
  readonly paymentHash: PaymentHash;
  /** What came in. */
  readonly incomingAmount: Msat;
  /** `amt_to_forward` of the onion; whether it is covered by what came in is the LSP's to check (L8). */
  readonly onionAmount: Msat;
  /** Height at which the incoming HTLC expires. */
  readonly incomingExpiryHeight: number;
}

/** What became of a part. */
export interface PartResolved {
  readonly id: string;
  readonly scid: Scid;
  readonly paymentHash: PaymentHash;
  readonly outcome: 'settled' | 'failed' | 'gone';
}

export interface Htlcs {
  /** A fresh short channel id that stands for no channel and was given to nobody else. */
  newScid(): Scid;
  onPart(f: (part: InterceptedPart) => void): Stop;
  /**
   * Each part comes back once: a forwarded one when the peer took it (its preimage is ours) or failed it, a held one when
   * the node gave it back by itself (`gone`). The node remembers it, also over a restart, until the promise has resolved.
   */
  onPartResolved(f: (resolved: PartResolved) => Promise<void>): Stop;
  /**
   * Forwards less or as much as the onion says; the node adds `extra_fee` when it is less. Where the channel is not usable
   * any more, another one with the peer will do. Repeating it does no harm, also when the first time failed or was cut off.
   * @throws NodeError when the part is gone, or no channel usable.
   */
  forward(o: {
    readonly id: string;
    readonly channelId: ChannelId;
    readonly peer: NodeId;
    readonly amount: Msat;
  }): Promise<void>;
  /** Repeating it does no harm, nor does it for a part that is gone. @throws NodeError when the part was forwarded. */
  fail(id: string, reason: FailureReason): Promise<void>;
}

/** What `accept_channel` told us about the client's side. */
export interface ChannelLimits {
  /** The most that all HTLCs together may carry to the client, commitment fees and our reserve taken off. */
  readonly sendable: Msat;
  /** The least that one HTLC to the client may carry. */
  readonly htlcMinimum: Msat;
  /** The client's `to_self_delay`, which locks our funds. */
  readonly toSelfDelayBlocks: number;
  /** Confirmations that the client waits for. */
  readonly minimumDepth: number;
  /** `max_accepted_htlcs`: HTLCs that the client takes at once, where the node tells. */
  readonly partsMax?: number | undefined;
}

/** What became of a channel, by the key under which it was opened. */
export type ChannelEvent = { readonly key: string } & (
  | { readonly tag: 'accepted'; readonly limits: ChannelLimits }
  /** `funding_signed` is here: the funding transaction may be broadcast, and spent by nobody else. */
  | { readonly tag: 'funded'; readonly channelId: ChannelId; readonly fundingTxid: Txid }
  /** Both sides sent `channel_ready`. */
  | { readonly tag: 'ready'; readonly channelId: ChannelId }
  /** The client answered with `error`. */
  | { readonly tag: 'refused'; readonly words: string }
  /** Anything else that ended it. */
  | { readonly tag: 'failed'; readonly words: string }
);

/**
 * Channels to clients, always unannounced and with option_scid_alias. A key is used for one channel only; each verb can be
 * repeated with it. What was funded is kept until `abandon`, so that it can still be broadcast after the channel closed.
 */
export interface Channels {
  /** Sends `open_channel`. @throws NodeError when the node cannot even try. */
  open(o: { readonly key: string; readonly peer: NodeId; readonly capacity: Sat }): Promise<void>;
  /** Makes and signs the funding transaction and sends `funding_created`; nothing is broadcast. @throws NodeError */
  fund(key: string): Promise<void>;
  /**
   * Resolves when the chain has taken it. From then on the node itself sends it again with each block until it is deep,
   * also over a restart. @throws NodeError when the chain does not take it.
   */
  broadcast(key: string): Promise<Txid>;
  /** Ends the channel without broadcasting anything, frees the inputs of its funding transaction, and forgets the key. */
  abandon(key: string): Promise<void>;
  /** Closes a channel that was broadcast: together with the peer if it is there, else by force. @throws NodeError */
  close(key: string): Promise<void>;
  /** Nobody asks about this channel any more. */
  forget(key: string): void;
  onChannel(f: (event: ChannelEvent) => void): Stop;
}

export interface ChainTip {
  height(): number;
  onBlock(f: (height: number) => void): Stop;
}

/** A part that the LSP had in its records when it started. */
export interface KnownPart {
  readonly id: string;
  readonly scid: Scid;
  readonly paymentHash: PaymentHash;
}

/** All that the LSP needs of its node. */
export interface LspNode extends PeerMessages, Htlcs, Channels, ChainTip {
  readonly nodeId: NodeId;
  readonly network: Network;
  /** Blocks before an HTLC's outgoing expiry at which this node can no longer forward it. */
  readonly cltvMarginBlocks: number;
  /** What others could send to this node now, over its channels; undefined, or without this verb: it cannot tell (yet). */
  receivable?(): Promise<Msat | undefined>;
  /**
   * Asked once by a starting LSP, which has its records and listens already: which parts are held? When `tellAgain` is
   * called, the node tells what may have been missed: held parts, outcomes that nobody took, how far each known channel has
   * come, and of what the LSP knows and the node does not, that it is gone (`failed` for a channel).
   */
  resume(known: {
    readonly parts: readonly KnownPart[];
    readonly channels: readonly string[];
  }): Promise<{ readonly held: readonly string[]; tellAgain(): void }>;
}
