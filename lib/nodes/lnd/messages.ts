import { fromHex, toHex } from '../../core/bytes.ts';
import { NodeError, TransportError } from '../../core/errors.ts';
import { type NodeId, nodeId, type PeerUri } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import type { Abortable } from '../../ports/abort.ts';
import type { PeerMessages } from '../../ports/peerMessages.ts';
import { FEATURE } from '../../protocol/bolt1/features.ts';
import { PeerEvent_EventType } from '../../generated/lnd/lightning.ts';
import { follow } from '../grpc/calls.ts';
import { orAborted, toTransport } from '../grpc/reaching.ts';
import type { Lnd } from './lnd.ts';

const CONNECT_TIMEOUT_MS = 30_000;

/** The port of custom messages, on an lnd. */
export interface LndMessages extends PeerMessages {
  /** Whether option_scid_alias is negotiated with a peer. */
  scidAlias(peer: NodeId): Promise<boolean>;
  readonly begun: Promise<void>;
  ready(): Promise<void>;
  close(): void;
}

export function lndMessages(lnd: Lnd): LndMessages {
  const { lightning, log } = lnd;
  const heard = listeners<[NodeId, number, Uint8Array]>();
  const connected = listeners<[NodeId]>();
  const disconnected = listeners<[NodeId]>();
  const peers = new Set<NodeId>();
  /** Told between asking for the list and having it: newer than the list. */
  let told = new Set<NodeId>();
  /** Messages are neither kept nor told again: only with both streams is a peer somebody to talk to. */
  const standing = { events: false, messages: false };
  const up = listeners<[]>();
  const isUp = () => standing.events && standing.messages;

  function online(id: NodeId): void {
    if (peers.has(id)) return;
    peers.add(id);
    connected.tell(id);
  }
  function offline(id: NodeId): void {
    if (peers.delete(id)) disconnected.tell(id);
  }
  const listPeers = () => lnd.call('ListPeers', lightning.listPeers.bind(lightning), { latestError: true });

  async function look(): Promise<void> {
    told = new Set();
    const list = await listPeers();
    if (!isUp()) return;
    for (const { pubKey } of list.peers) if (!told.has(nodeId(pubKey))) online(nodeId(pubKey));
    up.tell();
  }
  const stands = (which: keyof typeof standing) => () => {
    standing[which] = true;
    if (!isUp()) return;
    look().catch((cause: unknown) =>
      log({ level: 'warn', event: 'lnd.peers_unknown', fields: { cause: String(cause) } }),
    );
  };
  /** Nobody tells us who leaves, or what is answered: who waits for an answer is told at once. */
  const cut = (which: keyof typeof standing) => (error: NodeError) => {
    standing[which] = false;
    log({ level: 'warn', event: 'lnd.stream_cut', fields: { stream: which, cause: error.message } });
    for (const id of Array.from(peers)) offline(id);
  };

  const unread = (cause: unknown) => log({ level: 'warn', event: 'lnd.unread', fields: { cause: String(cause) } });
  const events = follow({
    name: 'SubscribePeerEvents',
    where: lnd.where,
    isUp: lnd.isUp,
    ping: lnd.height,
    open: () => lightning.subscribePeerEvents({}, lnd.metadata()),
    stands: stands('events'),
    heard({ pubKey, type }) {
      const id = nodeId(pubKey);
      told.add(id);
      if (type !== PeerEvent_EventType.PEER_ONLINE) offline(id);
      else if (isUp()) online(id);
    },
    cut: cut('events'),
    unread,
  });
  const messages = follow({
    name: 'SubscribeCustomMessages',
    where: lnd.where,
    isUp: lnd.isUp,
    ping: lnd.height,
    open: () => lightning.subscribeCustomMessages({}, lnd.metadata()),
    stands: stands('messages'),
    heard: ({ peer, type, data }) => heard.tell(nodeId(toHex(peer)), type, data),
    cut: cut('messages'),
    unread,
  });

  /** lnd drops the first of two connections that are made at once, so there is only ever one attempt under way. */
  const dials = new Map<NodeId, Promise<void>>();

  async function connect(peer: PeerUri, { signal }: Abortable = {}): Promise<void> {
    const { nodeId: id } = peer;
    if (peers.has(id)) return;
    if (peer.url !== undefined)
      throw new TransportError('offline', 'lnd cannot reach a peer by WebSocket', { retryable: false });
    const under = dials.get(id) ?? dial(peer).finally(() => dials.delete(id));
    dials.set(id, under);
    await orAborted(under, signal);
  }

  async function dial({ nodeId: id, host, port }: PeerUri): Promise<void> {
    if (!isUp()) await soon(up, () => true, `${lnd.where} does not answer`);
    if (peers.has(id)) return;
    const there = untilOnline(id);
    // What is told below comes first.
    there.catch(() => undefined);
    try {
      const addr = { pubkey: id, host: `${host.includes(':') ? `[${host}]` : host}:${port}` };
      const request = { addr, perm: false, timeout: BigInt(CONNECT_TIMEOUT_MS / 1000) };
      await lnd.call('ConnectPeer', lightning.connectPeer.bind(lightning), request, { timeoutMs: CONNECT_TIMEOUT_MS });
    } catch (cause) {
      // It may be on its way already.
      if (!(cause instanceof NodeError) || !/already connected/.test(cause.detail)) {
        throw toTransport(cause);
      }
      await look();
    }
    await there;
  }

  const untilOnline = (id: NodeId) => soon(connected, (each) => each === id, 'the peer did not finish the handshake');

  return {
    connect,
    isConnected: (id) => peers.has(id),
    async send(to, type, payload) {
      if (!peers.has(to)) throw new TransportError('offline', 'there is no connection to this peer');
      await lnd
        .call('SendCustomMessage', lightning.sendCustomMessage.bind(lightning), {
          peer: fromHex(to),
          type,
          data: payload,
        })
        .catch((cause: unknown) => {
          throw toTransport(cause);
        });
    },
    onMessage: heard.add,
    onConnected: connected.add,
    onDisconnected: disconnected.add,
    async scidAlias(peer) {
      const found = (await listPeers()).peers.find(({ pubKey }) => pubKey === peer);
      return found !== undefined && [FEATURE.scidAlias, FEATURE.scidAlias + 1].some((bit) => found.features.has(bit));
    },
    begun: Promise.all([events.begun, messages.begun]).then(() => undefined),
    async ready() {
      await Promise.all([events.ready(), messages.ready()]);
    },
    close() {
      events.stop();
      messages.stop();
    },
  };
}

/** Resolves when something is told that fits. @throws TransportError after a while */
function soon<Args extends readonly unknown[]>(
  told: ReturnType<typeof listeners<Args>>,
  fits: (...args: Args) => boolean,
  late: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = told.add((...args) => {
      if (!fits(...args)) return;
      stop();
      clearTimeout(timer);
      resolve();
    });
    const timer = setTimeout(() => {
      stop();
      reject(new TransportError('timeout', late));
    }, CONNECT_TIMEOUT_MS);
    timer.unref();
  });
}
