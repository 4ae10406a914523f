import type { Msat } from '../core/amount.ts';
import type { ChannelId, NodeId, PaymentHash } from '../core/ids.ts';
import type { Network } from '../core/network.ts';
import type { Stop } from './abort.ts';
import type { Gates } from './gates.ts';
import type { Scid } from '../core/scid.ts';
import type { PeerMessages } from './peerMessages.ts';

/** A payment that the node will recognise when it arrives. */
export interface NewPayment {
  readonly paymentHash: PaymentHash;
  /** 64 hex characters. */
  readonly paymentSecret: string;
}

/** The JIT channel that a payment is for. */
export interface BoughtFor {
  readonly lsp: NodeId;
  readonly scid: Scid;
  readonly trust: 'lsp-trusts-client' | 'client-trusts-lsp';
  /** The least that may arrive, when the LSP has taken all of its fee; undefined: the payer decides. */
  readonly leastNet: Msat | undefined;
}

export interface Invoices {
  /**
   * Makes a payment secret, and a preimage unless a hash is given whose preimage the caller keeps. They hold for
   * `expirySeconds`. @throws NodeError
   */
  newPayment(o: {
    readonly paymentHash?: PaymentHash | undefined;
    /** Undefined: the payer decides. */
    readonly amount: Msat | undefined;
    readonly expirySeconds: number;
    /** What the node itself demands of an arriving HTLC, in blocks. */
    readonly minFinalCltvExpiryDelta: number;
    /** What it is paid through, where it was bought. */
    readonly bought?: BoughtFor | undefined;
  }): Promise<NewPayment>;
  /**
   * Signs with the node's key; takes whichever form it can, returns r, s and recovery id, or the invoice as the node wrote and signed it.
   * @throws NodeError
   */
  sign(invoice: {
    readonly message: Uint8Array;
    readonly hash: Uint8Array;
    readonly text: string;
    readonly paymentHash: PaymentHash;
    readonly description: string | undefined;
    textWith(change: {
      readonly amount: Msat | undefined;
      readonly description?: string;
      readonly longerBySeconds?: number;
    }): string;
  }): Promise<Uint8Array | string>;
}

/** A channel of the user's node, as far as it can be paid through. */
export interface WalletChannel {
  readonly channelId: ChannelId;
  readonly peer: NodeId;
  /** Ready, and its peer is connected. */
  readonly usable: boolean;
  /** What the peer can send us over it, the reserves taken off. */
  readonly receivable: Msat;
  /** The most that one HTLC may carry to us. */
  readonly largestPart: Msat;
  /** For a route hint: the alias that the peer gave us, and what the peer asks for forwarding; where the node knows. */
  readonly hint?:
    | {
        readonly scid: Scid;
        readonly feeBaseMsat: number;
        readonly feeProportionalPpm: number;
        readonly cltvExpiryDelta: number;
      }
    | undefined;
}

/** What a starting client has in its records. */
export interface KnownToClient {
  /** Offers that were let in, and whether the payment for which they were has come. */
  readonly offers: readonly { readonly offerId: string; readonly paid: boolean }[];
  /** Payments that passed the gate, and whose claim was not told yet. */
  readonly claiming: readonly PaymentHash[];
}

/** A last hop behind the node, with a key of its own: payments are meant for it where the node itself would refuse them. */
export interface Phantom {
  /** Who signs the invoices, and is paid. */
  readonly nodeId: NodeId;
  /** From the node to it: the last hop of every route hint. */
  readonly hop: {
    readonly scid: Scid;
    readonly feeBaseMsat: number;
    readonly feeProportionalPpm: number;
    readonly cltvExpiryDelta: number;
  };
}

/** All that the client needs of the user's own node. */
export interface WalletNode extends PeerMessages, Invoices {
  readonly nodeId: NodeId;
  readonly network: Network;
  /** The least `min_final_cltv_expiry_delta` that the node accepts, in blocks. */
  readonly minFinalCltvExpiryDelta: number;
  /** The `to_self_delay` that the node imposes on its peers, in blocks. */
  readonly toSelfDelayBlocks: number;
  /** The most confirmations that a channel can be made to wait for (`minimumDepth`); absent: any. */
  readonly minimumDepthMax?: number;
  /** Invoices are not for the node itself, but for this hop behind it. */
  readonly phantom?: Phantom;
  /** False: it lets the channel of a purchase in by itself, and the gates are not asked. */
  readonly showsOffers?: boolean;
  /** False: it does not tell the script of a channel's funding output, so that `confirmations: 0` cannot be kept (W5). */
  readonly namesFunding?: boolean;
  /**
   * True: another program beside the node keeps the gates, on the same store, as a plugin does. This one only buys, and hears of it by
   * the store: `guard` and `resume` are not called.
   */
  readonly guardedElsewhere?: boolean;
  /** @throws NodeError, before anything is bought, where such a payment could not be received now. */
  checkReady?(payment: {
    /** Undefined: the payer decides. */
    readonly amount: Msat | undefined;
    /** Where it is the caller's. */
    readonly paymentHash: PaymentHash | undefined;
  }): Promise<void>;
  /**
   * A payment is not wanted any more, or was never asked for: for a node that takes payments without asking the gates. May be called
   * again, and of a payment that is over, or that the node does not know. @throws NodeError: it may still be taken.
   */
  withdraw?(paymentHash: PaymentHash): Promise<void>;
  /** @throws NodeError */
  channels(): Promise<readonly WalletChannel[]>;
  /**
   * Installs the gates. Without gates the node refuses every zero-conf channel, and every skimmed payment that is not one of
   * `newPayment`; payments of `newPayment` wait for the next gates, or are given back in time.
   */
  guard(gates: Gates): Stop;
  /**
   * Asked once, after `guard`: the node tells the gates again what may have been missed over a restart. Of a known offer, that it
   * is ready, closed or gone; of a payment that was neither claimed nor failed, that it arrived; of a claimed one that it is.
   */
  resume(known: KnownToClient): Promise<void>;
}
