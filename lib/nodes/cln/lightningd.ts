import type { Msat } from '../../core/amount.ts';
import type { ChannelId, NodeId, PaymentHash, PeerUri } from '../../core/ids.ts';
import type { Network } from '../../core/network.ts';
import type { Scid } from '../../core/scid.ts';
import type { Stop } from '../../ports/abort.ts';
import type { Log } from '../../ports/log.ts';

// What is asked of a lightningd, whichever way leads to it: its gRPC, or the socket of a plugin.

/** An entry of the datastore. */
export interface DatastoreEntry {
  readonly key: readonly string[];
  readonly text: string;
  /** Counts its changes. */
  readonly generation: bigint;
}

/** A peer that is connected, or has a channel. */
export interface ClnPeer {
  readonly nodeId: NodeId;
  readonly connected: boolean;
  /** Its feature bits, while it is connected. */
  readonly features: readonly number[];
}

export interface ClnChannel {
  readonly peer: NodeId;
  readonly peerConnected: boolean;
  readonly state: 'opening' | 'normal' | 'closing';
  /** Absent as long as there is no funding transaction. */
  readonly channelId: ChannelId | undefined;
  /** Names under which HTLCs come over it: its confirmed id, our alias. */
  readonly names: readonly Scid[];
  /** Whether it has an id on the chain. */
  readonly confirmed: boolean;
  /** What the peer calls it. */
  readonly remoteAlias: Scid | undefined;
  readonly openedByPeer: boolean;
  readonly closedByPeer: boolean;
  readonly capacity: Msat;
  readonly toUs: Msat;
  readonly receivable: Msat;
  /** The most that all HTLCs to us may carry at once. */
  readonly inFlightMax: Msat;
  /** What the peer asks for forwarding to us, once it has told. */
  readonly policy:
    | { readonly feeBaseMsat: number; readonly feeProportionalPpm: number; readonly cltvExpiryDelta: number }
    | undefined;
  /** Payment hashes of incoming HTLCs that were neither failed nor fulfilled yet. */
  readonly unanswered: readonly PaymentHash[];
}

export interface ClnInvoice {
  readonly status: 'unpaid' | 'paid' | 'expired';
  readonly received: Msat | undefined;
}

/** A running lightningd. Every verb throws NodeError. */
export interface Lightningd {
  /** What it is called in errors, as `lightningd at 127.0.0.1:9736`. */
  readonly where: string;
  readonly nodeId: NodeId;
  readonly network: Network;
  /** As it tells it, `v26.06.6`. */
  readonly version: string;
  /** As it was when we connected. */
  readonly synced: boolean;
  /** `watchtime-blocks`: the `to_self_delay` that it imposes, in blocks. */
  readonly watchtimeBlocks: number;
  /** `cltv-final`, in blocks. */
  readonly cltvFinal: number;
  /** `min-capacity-sat`. */
  readonly minCapacitySat: bigint;
  readonly log: Log;
  height(): Promise<number>;
  peers(): Promise<readonly ClnPeer[]>;
  connect(peer: PeerUri): Promise<void>;
  /** `message`: with its type. */
  sendMessage(to: NodeId, message: Uint8Array): Promise<void>;
  channels(): Promise<readonly ClnChannel[]>;
  /** Takes an invoice into the books. */
  createInvoice(o: { readonly text: string; readonly label: string; readonly preimage: Uint8Array }): Promise<void>;
  /** Signs an invoice that nobody here will know. Returns BOLT 11. */
  signInvoice(text: string): Promise<string>;
  invoice(hash: PaymentHash): Promise<ClnInvoice | undefined>;
  /** Takes one out of the books that was not paid. */
  removeInvoice(label: string): Promise<void>;
  /** All below a key, and the key itself. */
  listDatastore(key: readonly string[]): Promise<readonly DatastoreEntry[]>;
  /** `over`: the generation that is replaced, else there must be none; `any`: whatever is there. Returns the new generation. */
  putDatastore(key: readonly string[], text: string, over: bigint | 'any' | undefined): Promise<bigint>;
  /** `generation` undefined: whatever is there. */
  removeDatastore(key: readonly string[], generation: bigint | undefined): Promise<void>;
  /** File names of the plugins that run. */
  plugins(): Promise<readonly string[]>;
  /** `message`: with its type. */
  onMessage(f: (from: NodeId, message: Uint8Array) => void): Stop;
  isConnected(peer: NodeId): boolean;
  onConnected(f: (peer: NodeId) => void): Stop;
  onDisconnected(f: (peer: NodeId) => void): Stop;
  isUp(): boolean;
  close(): void;
}
