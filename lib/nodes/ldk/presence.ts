import type { NodeId } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import type { Stop } from '../../ports/abort.ts';
import { toNodeId } from './fromLdk.ts';
import type { LdkNode } from './node.ts';

export interface Presence {
  isConnected(peer: NodeId): boolean;
  onConnected(f: (peer: NodeId) => void): Stop;
}

/**
 * Who is there, in the sense of an LSP: connected, and every ready channel with it re-established. LDK fails an HTLC to a
 * channel that is not usable yet, and has no event for the moment it becomes so; rounds are looked at.
 */
export function ldkPresence(node: LdkNode): Presence {
  const waiting = new Set<NodeId>();
  const { add, tell } = listeners<[NodeId]>();

  const isUsable = (peer: NodeId): boolean =>
    node.manager
      .list_channels()
      .filter((channel) => toNodeId(channel.get_counterparty().get_node_id()) === peer)
      .every((channel) => !channel.get_is_channel_ready() || channel.get_is_usable());

  function look(): void {
    for (const peer of waiting) {
      if (!isUsable(peer)) continue;
      waiting.delete(peer);
      tell(peer);
    }
  }

  node.onConnected((peer) => {
    waiting.add(peer);
    look();
  });
  node.onDisconnected((peer) => void waiting.delete(peer));
  node.onRound(look);
  return {
    isConnected: (peer) => node.connectedPeers.has(peer) && !waiting.has(peer),
    onConnected: add,
  };
}
