import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import * as ldk from 'lightningdevkit';
import { fromHex } from '../../core/bytes.ts';
import { NodeError, TransportError } from '../../core/errors.ts';
import type { PeerUri } from '../../core/ids.ts';

export interface Sockets {
  /** Resolves with the port; 0 asks the system for a free one. */
  listen(host: string, port: number): Promise<number>;
  /** Resolves when the TCP connection stands and the handshake was begun. @throws TransportError */
  dial(peer: PeerUri): Promise<void>;
  /** Lets out what LDK wrote since the last time: after a commit, never before. */
  flush(): void;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** LDK is asked to wait when more than this is to be written to one peer. */
const OUT_BYTES_MAX = 1 << 20;
const LEAVE_MS_MAX = 5_000;
const NOT_AGAIN = { retryable: false } as const;

/** One connection, and what LDK wrote to it since the last flush. */
interface Connection {
  readonly descriptor: ldk.SocketDescriptor;
  readonly socket: Socket;
  out: Uint8Array[];
  bytes: number;
  /** LDK is done with it, and its last words are on their way. */
  ended?: boolean;
}

/** BOLT 8 connections of one LDK node over TCP. `wake`: LDK has something to do. */
export function sockets(peers: ldk.PeerManager, wake: () => void): Sockets {
  const open = new Map<bigint, Connection>();
  /** LDK is done with these; what it wrote last still has to leave. */
  const leaving = new Set<Connection>();
  let count = 0n;
  const servers = new Set<Server>();
  let closed = false;

  function attach(socket: Socket): ldk.SocketDescriptor {
    count += 1n;
    const id = count;
    const descriptor = ldk.SocketDescriptor.new_impl({
      send_data(data, resumeRead) {
        if (resumeRead) socket.resume();
        const connection = open.get(id);
        // LDK asks again after 'drain' or a flush: a peer that does not read fills no memory.
        if (!connection || socket.destroyed || socket.writableNeedDrain || connection.bytes > OUT_BYTES_MAX) return 0;
        connection.out.push(data.slice());
        connection.bytes += data.length;
        wake();
        return data.length;
      },
      disconnect_socket() {
        const connection = open.get(id);
        open.delete(id);
        if (connection) leaving.add(connection);
        wake();
      },
      eq: (other) => other.hash() === id,
      hash: () => id,
    });
    open.set(id, { descriptor, socket, out: [], bytes: 0 });
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      if (!open.has(id)) return;
      const read = peers.read_event(descriptor, new Uint8Array(data));
      wake();
      if (!read.is_ok()) socket.destroy();
      else if ((read as ldk.Result_boolPeerHandleErrorZ_OK).res) socket.pause();
    });
    socket.on('drain', () => {
      if (open.has(id)) peers.write_buffer_space_avail(descriptor);
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      for (const connection of leaving) if (connection.socket === socket) leaving.delete(connection);
      if (!open.delete(id) || closed) return;
      peers.socket_disconnected(descriptor);
      wake();
    });
    return descriptor;
  }

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const listening = createServer((socket) => {
          const accepted = peers.new_inbound_connection(attach(socket), ldk.Option_SocketAddressZ.constructor_none());
          if (!accepted.is_ok()) socket.destroy();
        });
        servers.add(listening);
        listening.once('error', (cause) => reject(new NodeError(`cannot listen on ${host}:${port}`, { cause })));
        listening.listen(port, host, () => {
          const address = listening.address();
          resolve(typeof address === 'object' && address ? address.port : port);
        });
      }),
    async dial(peer) {
      if (peer.url !== undefined) throw new TransportError('offline', 'this node reaches peers by TCP only', NOT_AGAIN);
      const socket = await connected(peer);
      if (closed) {
        socket.destroy();
        throw new TransportError('closed', 'this node is stopping');
      }
      const begun = peers.new_outbound_connection(
        fromHex(peer.nodeId),
        attach(socket),
        ldk.Option_SocketAddressZ.constructor_none(),
      );
      if (!begun.is_ok()) {
        socket.destroy();
        throw new TransportError('closed', 'the connection to the peer could not be begun');
      }
      socket.write((begun as ldk.Result_CVec_u8ZPeerHandleErrorZ_OK).res);
    },
    flush() {
      for (const connection of [...open.values(), ...leaving]) {
        const full = connection.bytes > OUT_BYTES_MAX;
        for (const bytes of connection.out) connection.socket.write(bytes);
        connection.out = [];
        connection.bytes = 0;
        if (full && !connection.socket.writableNeedDrain) peers.write_buffer_space_avail(connection.descriptor);
      }
      for (const connection of leaving) {
        if (connection.ended) continue;
        connection.ended = true;
        connection.socket.destroySoon();
        // A peer that does not read its last message keeps no socket.
        setTimeout(() => connection.socket.destroy(), LEAVE_MS_MAX).unref();
      }
    },
    async close() {
      closed = true;
      for (const { socket } of [...open.values(), ...leaving]) socket.destroy();
      open.clear();
      leaving.clear();
      await Promise.all([...servers].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

function connected({ host, port }: PeerUri): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, timeout: CONNECT_TIMEOUT_MS });
    const fail = (cause: unknown) => {
      socket.destroy();
      reject(new TransportError('offline', `nobody answers at ${host}:${port}`, { cause }));
    };
    socket.once('error', fail);
    socket.once('timeout', () => fail(new Error('timed out')));
    socket.once('connect', () => {
      socket.off('error', fail);
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}
