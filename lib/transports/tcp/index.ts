import { connect, type Socket } from 'node:net';
import { NodeError, TransportError } from '../../core/errors.ts';
import type { PeerUri } from '../../core/ids.ts';
import type { Abortable } from '../../ports/abort.ts';
import { isOnion, noWayToOnion, type Pipe, type PipeEvents, type Transport } from '../transport.ts';

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
      if (!proxy && isOnion(peer.host)) throw noWayToOnion();
      const socket = proxy ? await throughProxy(proxy, peer, options) : await direct(peer, options);
      return attach(socket, events);
    },
  };
}

function direct({ host, port }: Socks5, { signal }: Abortable): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const fail = (error: unknown) => {
      socket.destroy();
      signal?.removeEventListener('abort', aborted);
      reject(error);
    };
    const aborted = () => fail(signal?.reason);
    const failed = (cause: unknown) =>
      fail(new TransportError('offline', `nobody answers at ${host}:${port}`, { cause }));
    signal?.addEventListener('abort', aborted);
    socket.once('error', failed);
    socket.once('connect', () => {
      signal?.removeEventListener('abort', aborted);
      // An error from now on is told by 'close'; without a listener it would end the process.
      socket.on('error', () => undefined);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

async function throughProxy(proxy: Socks5, { host, port }: PeerUri, options: Abortable): Promise<Socket> {
  const { SocksClient } = await loadSocks();
  const { signal } = options;
  const socket = await direct(proxy, options);
  const aborted = () => socket.destroy();
  signal?.addEventListener('abort', aborted);
  try {
    await SocksClient.createConnection({
      command: 'connect',
      proxy: { ...proxy, type: 5 },
      destination: { host, port },
      timeout: PROXY_TIMEOUT_MS,
      existing_socket: socket,
    });
    return socket;
  } catch (cause) {
    socket.destroy();
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
