import type { Msat } from '../core/amount.ts';
import type { NodeId, PaymentHash } from '../core/ids.ts';
import type { Network } from '../core/network.ts';
import type { Stop } from './abort.ts';
import type { Gates } from './gates.ts';
import type { PeerMessages } from './peerMessages.ts';

/** A payment that the node will recognise when it arrives. */
export interface NewPayment {
  readonly paymentHash: PaymentHash;
  /** 64 hex characters. */
  readonly paymentSecret: string;
}

export interface Invoices {
  /** Makes a preimage and a payment secret that hold for `expirySeconds`. @throws NodeError */
  newPayment(o: {
    readonly amount: Msat;
    readonly expirySeconds: number;
    /** What the node itself demands of an arriving HTLC, in blocks. */
    readonly minFinalCltvExpiryDelta: number;
  }): Promise<NewPayment>;
  /** Signs with the node's key; takes whichever form it can, returns r, s and recovery id. @throws NodeError */
  sign(invoice: {
    readonly message: Uint8Array;
    readonly hash: Uint8Array;
    readonly text: string;
  }): Promise<Uint8Array>;
}

/** All that the client needs of the user's own node. */
export interface WalletNode extends PeerMessages, Invoices {
  readonly nodeId: NodeId;
  readonly network: Network;
  /** The least `min_final_cltv_expiry_delta` that the node accepts, in blocks. */
  readonly minFinalCltvExpiryDelta: number;
  /** The `to_self_delay` that the node imposes on its peers, in blocks. */
  readonly toSelfDelayBlocks: number;
  /** Installs the gates; without gates the node refuses every zero-conf channel and every skimmed payment. */
  guard(gates: Gates): Stop;
}
