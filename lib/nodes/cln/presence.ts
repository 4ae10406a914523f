import type { NodeId } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import { serial } from '../../core/serial.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { ClnPeer } from './lightningd.ts';

/** Over gRPC only versions from 26.04 on tell who left: all others are asked. */
const LOOK_EVERY_MS = 2_000;

/** Who is connected, as far as is known. */
export function presence(o: { peers(): Promise<readonly ClnPeer[]>; readonly clock: Clock; readonly log: Log }) {
  const connected = listeners<[NodeId]>();
  const disconnected = listeners<[NodeId]>();
  const there = new Set<NodeId>();
  const inTurn = serial();
  let over = false;
  let stop = () => undefined as void;

  function online(id: NodeId): void {
    if (there.has(id)) return;
    there.add(id);
    connected.tell(id);
  }
  function offline(id: NodeId): void {
    if (there.delete(id)) disconnected.tell(id);
  }
  /** It was said; whether it was known to be there or not. */
  function hungUp(id: NodeId): void {
    there.delete(id);
    disconnected.tell(id);
  }

  const look = () =>
    inTurn(async () => {
      const known = [...there];
      const found = new Set((await o.peers()).filter((each) => each.connected).map(({ nodeId }) => nodeId));
      if (over) return;
      for (const id of known) if (!found.has(id)) offline(id);
      for (const id of found) online(id);
    }).catch((cause: unknown) => {
      o.log({ level: 'warn', event: 'cln.peers_unknown', fields: { cause: String(cause) } });
    });

  function again(): void {
    stop = o.clock.after(LOOK_EVERY_MS, () => {
      void look().then(() => over || again());
    });
  }
  again();

  return {
    look,
    online,
    hungUp,
    /** Nobody tells any more who is there, nor what they say. */
    lost(): void {
      for (const id of Array.from(there)) offline(id);
    },
    isConnected: (id: NodeId) => there.has(id),
    onConnected: connected.add,
    onDisconnected: disconnected.add,
    close(): void {
      over = true;
      stop();
    },
  };
}
