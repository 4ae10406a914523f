import { NodeError, TransportError } from '../../core/errors.ts';
import type { Abortable } from '../../ports/abort.ts';
import { isOnion, noWayToOnion, type Pipe, type PipeEvents, type Transport } from '../transport.ts';

export { type Peers, type PeersInit, peers } from '../peers.ts';
export type { Pipe, PipeEvents, Transport } from '../transport.ts';

/** What we need of a WebSocket: browsers, React Native, Deno, Bun, Node from 22 on, and the package `ws` have it. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  addEventListener(
    type: 'open' | 'message' | 'error' | 'close',
    f: (event: { readonly type: string; readonly data?: unknown }) => void,
  ): void;
  send(data: Uint8Array): void;
  close(): void;
}

export interface WebSocketOptions {
  /** Where the platform has none: `WebSocket` of the package `ws`. */
  readonly WebSocket?: new (
    url: string,
  ) => WebSocketLike;
}

/** Peers over WebSocket: addresses of the form `nodeid@wss://host/path`. BOLT 8 goes through it as binary messages. */
export function webSocket(options: WebSocketOptions = {}): Transport {
  return {
    takes: ({ url }) => url !== undefined,
    async dial({ url = '', host }, events, { signal }) {
      if (isOnion(host)) throw noWayToOnion();
      const given = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketOptions['WebSocket'] }).WebSocket;
      if (!given) throw new NodeError('this platform has no WebSocket: give that of the package ws (npm install ws)');
      return opened(new given(url), url, events, { signal });
    },
  };
}

/** More than a peer has to say at once: several messages of the largest size. */
const FRAME_BYTES_MAX = 1 << 20;
/** What is text, or too long, has no place in BOLT 8: these bytes are neither act two nor a message, and end the connection. */
const NONSENSE = new Uint8Array(50);

/** An ArrayBuffer may be one of another realm. */
const bytesOf = (data: unknown): Uint8Array =>
  Object.prototype.toString.call(data) === '[object ArrayBuffer]' && (data as ArrayBuffer).byteLength <= FRAME_BYTES_MAX
    ? new Uint8Array(data as ArrayBuffer)
    : NONSENSE;

/** A close that the other side does not answer takes long, and tells nobody: what comes after our close is not heard. */
function opened(socket: WebSocketLike, url: string, events: PipeEvents, { signal }: Abortable): Promise<Pipe> {
  return new Promise((resolve, reject) => {
    let isOpen = false;
    let over = false;
    const leave = () => {
      over = true;
      signal?.removeEventListener('abort', aborted);
      socket.close();
    };
    const aborted = () => {
      leave();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', aborted);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => {
      if (over) return;
      events.data(bytesOf(data));
    });
    socket.addEventListener('error', () => undefined); // 'close' follows
    socket.addEventListener('close', () => {
      signal?.removeEventListener('abort', aborted);
      reject(new TransportError('offline', `nobody answers at ${url}`));
      if (isOpen && !over) events.closed();
      over = true;
    });
    socket.addEventListener('open', () => {
      isOpen = true;
      signal?.removeEventListener('abort', aborted);
      resolve({ write: (bytes) => socket.send(bytes), buffered: () => socket.bufferedAmount, close: leave });
    });
  });
}
