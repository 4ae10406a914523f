import { Lsps2Error, TransportError } from '../core/errors.ts';
import { formatUri, type NodeId, type PeerUri } from '../core/ids.ts';
import { listeners } from '../core/listeners.ts';
import type { Network } from '../core/network.ts';
import { systemClock } from '../platform/clock.ts';
import { systemRandom } from '../platform/random.ts';
import type { Abortable, AbortSignalLike } from '../ports/abort.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PeerMessages } from '../ports/peerMessages.ts';
import { isCustom } from '../protocol/bolt1/customMessage.ts';
import { PAYLOAD_BYTES_MAX } from '../protocol/bolt1/message.ts';
import { publicKey } from '../protocol/bolt11/signature.ts';
import { KEY_BYTES } from '../protocol/bolt8/symmetric.ts';
import { type Link, link } from './link.ts';
import type { Transport } from './transport.ts';

/** The whole of a dial: DNS, TCP, proxies, TLS. What follows has limits of its own. */
const DIAL_TIMEOUT_MS = 10_000;

export interface PeersInit {
  /** The ways to reach peers; the first that takes an address is used. */
  readonly transports: readonly Transport[];
  /**
   * The private key of our node id: 32 bytes. An LSP binds what it promises to this id, so it must be the same from quote to buy.
   * Without it: a key of this moment.
   */
  readonly secret?: Uint8Array;
  /** Told to peers, and asked of them (`networks` of BOLT 1). Without it: not. */
  readonly network?: Network;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Connections to Lightning peers for custom messages, without a Lightning node. */
export interface Peers extends PeerMessages {
  readonly nodeId: NodeId;
  /** Ends every connection, and begins none any more. */
  close(): void;
}

interface Entry {
  readonly link: Link;
  readonly ready: Promise<void>;
  isUp: boolean;
}

/**
 * Speaks BOLT 8 and BOLT 1 with peers, and only custom messages beyond that. It has no channels, and is silent about those that others
 * mean: with the key of a node of yours, no channel of that node is harmed. @throws RangeError on a bad secret.
 */
export function peers(init: PeersInit): Peers {
  const { transports, network, clock = systemClock, random = systemRandom } = init;
  // A copy: a slice of a Buffer would be the same memory.
  const secret = Uint8Array.from(init.secret ?? random(KEY_BYTES));
  const nodeId = ownId(secret);
  const entries = new Map<NodeId, Entry>();
  const messages = listeners<[NodeId, number, Uint8Array]>();
  const connected = listeners<[NodeId]>();
  const disconnected = listeners<[NodeId]>();
  const closers = new Set<(error: TransportError) => void>();
  let closed = false;

  const log: Log = (entry) => {
    try {
      init.log?.(entry);
    } catch {
      // A log that throws loses an entry, and no more.
    }
  };

  /** A listener that throws must not end the process, which an error in a socket's callback would. */
  function telling(tell: () => void): void {
    try {
      tell();
    } catch (cause) {
      log({ level: 'warn', event: 'transports.listener_threw', fields: { cause: String(cause) } });
    }
  }

  function open(peer: PeerUri): Entry {
    const remote = peer.nodeId;
    const dialing = stopper();
    const ready = promised();
    const over = (error: Lsps2Error) => {
      const wasUp = entry.isUp;
      entry.isUp = false;
      closers.delete(over);
      disarm();
      dialing.stop(error);
      entry.link.close();
      if (entries.get(remote) === entry) entries.delete(remote);
      log({ level: 'debug', event: 'transports.over', fields: { peer: remote, reason: error.message } });
      ready.reject(error);
      if (wasUp) telling(() => disconnected.tell(remote));
    };
    const entry: Entry = {
      isUp: false,
      ready: ready.promise,
      link: link({
        keys: { secret, ephemeral: random(KEY_BYTES) },
        remote,
        network,
        clock,
        log,
        up() {
          entry.isUp = true;
          ready.resolve();
          telling(() => connected.tell(remote));
        },
        message: (type, payload) => telling(() => messages.tell(remote, type, payload)),
        over,
      }),
    };
    const transport = transports.find((each) => each.takes(peer));
    const patienceMs = transport?.dialTimeoutMs ?? DIAL_TIMEOUT_MS;
    const disarm = clock.after(patienceMs, () => {
      over(new TransportError('timeout', `no connection to ${formatUri(peer)} in ${patienceMs / 1000} s`));
    });
    const dial = async () => {
      if (!transport) throw new TransportError('offline', `there is no way to ${formatUri(peer)} here`, NOT_AGAIN);
      entry.link.begin(await transport.dial(peer, entry.link.events, { signal: dialing.signal }));
      disarm();
    };
    closers.add(over);
    entries.set(remote, entry);
    dial().catch((cause: unknown) => over(cause instanceof Lsps2Error ? cause : unreachable(peer, cause)));
    return entry;
  }

  return {
    nodeId,
    async connect(peer, options?: Abortable) {
      if (closed) throw new TransportError('closed', 'these connections were closed');
      if (options?.signal?.aborted) throw options.signal.reason;
      const entry = entries.get(peer.nodeId) ?? open(peer);
      await untilAborted(entry.ready, options?.signal);
    },
    isConnected: (peer) => entries.get(peer)?.isUp ?? false,
    async send(to, type, payload) {
      if (!isCustom(type) || type % 2 === 0 || payload.length > PAYLOAD_BYTES_MAX)
        throw new RangeError(`a message of type ${type} with ${payload.length} bytes`);
      const entry = entries.get(to);
      if (!entry?.isUp) throw new TransportError('offline', 'there is no connection to this peer');
      entry.link.send(type, payload);
    },
    onMessage: (f) => messages.add(f),
    onConnected: (f) => connected.add(f),
    onDisconnected: (f) => disconnected.add(f),
    close() {
      closed = true;
      for (const over of closers) over(new TransportError('closed', 'these connections were closed'));
    },
  };
}

const NOT_AGAIN = { retryable: false } as const;
const unreachable = (peer: PeerUri, cause: unknown): TransportError =>
  new TransportError('offline', `${formatUri(peer)} cannot be reached`, { cause });

function ownId(secret: Uint8Array): NodeId {
  try {
    return publicKey(secret);
  } catch (cause) {
    throw new RangeError('secret: not a private key of secp256k1, which are 32 bytes', { cause });
  }
}

/** A promise and its ends. Nobody has to listen to it when it fails. */
function promised() {
  let ends: { resolve(): void; reject(error: unknown): void } | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    ends = { resolve, reject };
  });
  promise.catch(() => undefined);
  return { promise, resolve: () => ends?.resolve(), reject: (error: unknown) => ends?.reject(error) };
}

/** An AbortController of our own: not every platform has one. */
function stopper() {
  const stops = new Set<() => void>();
  let reason: unknown;
  const signal: AbortSignalLike = {
    get aborted() {
      return reason !== undefined;
    },
    get reason() {
      return reason;
    },
    addEventListener: (_, f) => void stops.add(f),
    removeEventListener: (_, f) => void stops.delete(f),
  };
  return {
    signal,
    stop(given: unknown) {
      reason ??= given;
      for (const f of stops) f();
    },
  };
}

/** Gives up waiting when the signal says so; the connection goes on, for others. */
function untilAborted(promise: Promise<void>, signal: AbortSignalLike | undefined): Promise<void> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
