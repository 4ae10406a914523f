import { connect, type Socket } from 'node:net';
import { NodeError, TransportError } from '../../core/errors.ts';
import type { PeerUri } from '../../core/ids.ts';
import type { Abortable } from '../../ports/abort.ts';
import type { Pipe, PipeEvents, Transport } from '../transport.ts';

export { type Peers, type PeersInit, peers } from '../peers.ts';
export type { Pipe, PipeEvents, Transport } from '../transport.ts';

/** A SOCKS5 proxy, as Tor's at 127.0.0.1:9050. */
export interface Socks5 {
  readonly host: string;
  readonly port: number;
}

export interface TcpOptions {
  /** Everything goes through it, and it resolves the names. Needs the package `socks`. */
  readonly proxy?: Socks5;
}

/** Peers over TCP: IPv4, IPv6 and DNS names; onion addresses through a SOCKS5 proxy. For Node, Bun and Deno. */
export function tcp({ proxy }: TcpOptions = {}): Transport {
  return {
    takes: ({ url }) => url === undefined,
    ...(proxy ? { dialTimeoutMs: PROXY_TIMEOUT_MS } : {}),
    async dial(peer, events, options) {
      if (!proxy && peer.host.endsWith('.onion'))
        throw new TransportError('offline', 'an onion address takes a SOCKS5 proxy, as Tor’s at 127.0.0.1:9050', {
          retryable: false,
        });
      const socket = proxy ? await throughProxy(proxy, peer, options) : await direct(peer, options);
      return attach(socket, events);
    },
  };
}

function direct({ host, port }: PeerUri, { signal }: Abortable): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const fail = (error: unknown) => {
      socket.destroy();
      signal?.removeEventListener('abort', aborted);
      reject(error);
    };
    const aborted = () => fail(signal?.reason);
    signal?.addEventListener('abort', aborted);
    socket.once('error', (cause) =>
      fail(new TransportError('offline', `nobody answers at ${host}:${port}`, { cause })),
    );
    socket.once('connect', () => {
      signal?.removeEventListener('abort', aborted);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

async function throughProxy(proxy: Socks5, { host, port }: PeerUri, { signal }: Abortable): Promise<Socket> {
  const { SocksClient } = await loadSocks();
  let gone = false;
  const aborted = () => {
    gone = true;
  };
  signal?.addEventListener('abort', aborted);
  try {
    const made = await SocksClient.createConnection({
      command: 'connect',
      proxy: { ...proxy, type: 5 },
      destination: { host, port },
      timeout: PROXY_TIMEOUT_MS,
    });
    if (gone) made.socket.destroy();
    return made.socket;
  } catch (cause) {
    throw new TransportError('offline', `the proxy does not reach ${host}:${port}`, { cause });
  } finally {
    signal?.removeEventListener('abort', aborted);
  }
}

/** Tor may take long to build a circuit. */
const PROXY_TIMEOUT_MS = 60_000;

async function loadSocks(): Promise<typeof import('socks')> {
  try {
    return await import('socks');
  } catch (cause) {
    throw new NodeError('a SOCKS5 proxy needs the package socks: npm install socks@2.8.10', { cause });
  }
}

function attach(socket: Socket, events: PipeEvents): Pipe {
  let closed = false;
  socket.setNoDelay(true);
  socket.on('data', (data) => events.data(data));
  socket.on('error', () => undefined); // 'close' follows
  socket.on('close', () => {
    if (!closed) events.closed();
  });
  // A proxy's socket comes paused.
  socket.resume();
  return {
    write: (bytes) => void socket.write(bytes),
    buffered: () => socket.writableLength,
    close() {
      closed = true;
      socket.destroySoon();
      // A peer that does not read its last message keeps no socket.
      setTimeout(() => socket.destroy(), LEAVE_MS_MAX).unref();
    },
  };
}

const LEAVE_MS_MAX = 2_000;
