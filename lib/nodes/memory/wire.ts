import { TransportError } from '../../core/errors.ts';
import type { NodeId } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import type { PeerMessages } from '../../ports/peerMessages.ts';

type Listener = Parameters<PeerMessages['onMessage']>[0];

/** One end of a connection that can be cut and mended; messages arrive a moment later, in order. */
export interface WireEnd extends PeerMessages {
  readonly peer: NodeId;
}

export interface Wire {
  readonly ends: readonly [WireEnd, WireEnd];
  cut(): void;
  mend(): void;
  readonly up: () => boolean;
}

export function wire(a: NodeId, b: NodeId): Wire {
  let up = false;
  const [left, right] = [side(a), side(b)];

  function side(self: NodeId) {
    return {
      self,
      message: listeners<Parameters<Listener>>(),
      connected: listeners<[NodeId]>(),
      disconnected: listeners<[NodeId]>(),
    };
  }

  function change(next: boolean): void {
    if (up === next) return;
    up = next;
    const event = next ? 'connected' : 'disconnected';
    left[event].tell(b);
    right[event].tell(a);
  }

  const end = (mine: typeof left, other: typeof left): WireEnd => ({
    peer: other.self,
    async connect({ nodeId }) {
      if (nodeId !== other.self) throw new TransportError('offline', 'nobody of that name is here');
      change(true);
    },
    isConnected: (peer) => up && peer === other.self,
    async send(to, type, payload) {
      if (!up || to !== other.self) throw new TransportError('offline', 'there is no connection to this peer');
      void Promise.resolve().then(() => up && other.message.tell(mine.self, type, payload.slice()));
    },
    onMessage: mine.message.add,
    onConnected: mine.connected.add,
    onDisconnected: mine.disconnected.add,
  });

  return {
    ends: [end(left, right), end(right, left)],
    cut: () => change(false),
    mend: () => change(true),
    up: () => up,
  };
}
