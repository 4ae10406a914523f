import { TransportError } from '../../core/errors.ts';
import type { NodeId, PeerUri } from '../../core/ids.ts';
import type { PeerMessages } from '../../ports/peerMessages.ts';
import { decodeMessage, encodeMessage } from '../../protocol/bolt1/message.ts';
import { FEATURE, hasFeature } from '../../protocol/bolt1/features.ts';
import { orAborted, toTransport } from '../grpc/reaching.ts';
import type { Lightningd } from './lightningd.ts';

/** The port of custom messages, on a lightningd. */
export interface ClnMessages extends PeerMessages {
  /** Whether option_scid_alias is negotiated with a peer. */
  scidAlias(peer: NodeId): Promise<boolean>;
}

export function clnMessages(cln: Lightningd): ClnMessages {
  const dials = new Map<NodeId, Promise<void>>();

  async function dial(peer: PeerUri): Promise<void> {
    try {
      // Resolves when the handshake and `init` are done; at once where it is connected already.
      await cln.connect(peer);
    } catch (cause) {
      throw toTransport(cause);
    }
  }

  return {
    async connect(peer, { signal } = {}) {
      const { nodeId: id } = peer;
      if (cln.isConnected(id)) return;
      if (peer.url !== undefined)
        throw new TransportError('offline', 'lightningd cannot reach a peer by WebSocket', { retryable: false });
      const under = dials.get(id) ?? dial(peer).finally(() => dials.delete(id));
      dials.set(id, under);
      await orAborted(under, signal);
    },
    isConnected: cln.isConnected,
    async send(to, type, payload) {
      if (!cln.isConnected(to)) throw new TransportError('offline', 'there is no connection to this peer');
      await cln.sendMessage(to, encodeMessage({ type, payload })).catch((cause: unknown) => {
        throw toTransport(cause);
      });
    },
    onMessage: (f) =>
      cln.onMessage((from, message) => {
        const { type, payload } = decodeMessage(message);
        f(from, type, payload);
      }),
    onConnected: cln.onConnected,
    onDisconnected: cln.onDisconnected,
    async scidAlias(peer) {
      const found = (await cln.peers()).find(({ nodeId }) => nodeId === peer);
      return found !== undefined && hasFeature(found.features, FEATURE.scidAlias);
    },
  };
}
