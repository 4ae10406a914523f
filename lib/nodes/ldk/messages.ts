import { TransportError } from '../../core/errors.ts';
import type { NodeId, PeerUri } from '../../core/ids.ts';
import type { Stop } from '../../ports/abort.ts';
import type { PeerMessages } from '../../ports/peerMessages.ts';
import type { LdkNode } from './node.ts';

const INIT_TIMEOUT_MS = 10_000;

/** The port of custom messages, on an LDK node. */
export function ldkMessages(node: LdkNode): PeerMessages {
  const dials = new Map<NodeId, Promise<void>>();

  async function connect(peer: PeerUri): Promise<void> {
    if (node.connectedPeers.has(peer.nodeId)) return;
    // LDK drops the second of two connections to one peer, so there is only ever one attempt under way.
    const under = dials.get(peer.nodeId) ?? dial(node, peer).finally(() => dials.delete(peer.nodeId));
    dials.set(peer.nodeId, under);
    await under;
  }

  return {
    connect,
    isConnected: (peer) => node.connectedPeers.has(peer),
    async send(to, type, payload) {
      if (!node.connectedPeers.has(to)) throw new TransportError('offline', 'there is no connection to this peer');
      node.queueMessage(to, type, payload);
    },
    onMessage: (f) => node.onMessage(f),
    onConnected: (f) => node.onConnected(f),
    onDisconnected: (f) => node.onDisconnected(f),
  };
}

async function dial(node: LdkNode, peer: PeerUri): Promise<void> {
  await node.dial(peer);
  if (node.connectedPeers.has(peer.nodeId)) return;
  await new Promise<void>((resolve, reject) => {
    const stops: Stop[] = [];
    const end = (settle: () => void) => {
      for (const stop of stops) stop();
      clearTimeout(timer);
      settle();
    };
    const timer = setTimeout(
      () => end(() => reject(new TransportError('timeout', 'the peer did not finish the handshake'))),
      INIT_TIMEOUT_MS,
    );
    stops.push(node.onConnected((id) => id === peer.nodeId && end(resolve)));
    stops.push(
      node.onDisconnected(
        (id) => id === peer.nodeId && end(() => reject(new TransportError('closed', 'the peer hung up at once'))),
      ),
    );
  });
}
