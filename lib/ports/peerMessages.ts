import type { NodeId, PeerUri } from '../core/ids.ts';
import type { Abortable, Stop } from './abort.ts';

/** Custom messages of BOLT 1 to and from Lightning peers. */
export interface PeerMessages {
  /** Resolves when connected (at once if it already is). @throws TransportError when the peer cannot be reached. */
  connect(peer: PeerUri, options?: Abortable): Promise<void>;
  isConnected(peer: NodeId): boolean;
  /** Resolves when handed to the connection. The type is custom and odd (BOLT 1). @throws TransportError when there is none. */
  send(to: NodeId, type: number, payload: Uint8Array): Promise<void>;
  onMessage(f: (from: NodeId, type: number, payload: Uint8Array) => void): Stop;
  onConnected(f: (peer: NodeId) => void): Stop;
  onDisconnected(f: (peer: NodeId) => void): Stop;
}
