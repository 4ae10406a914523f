import { connect } from 'node:net';
import { createRequire } from 'node:module';
import type { WebSocket, WebSocketServer } from 'ws';
import { UsageError } from './exitCode.ts';

/** A client that sends more than the node reads waits. */
const BACKLOG_BYTES_MAX = 1 << 20;
const MESSAGE_BYTES_MAX = 1 << 17;
/** LDK itself takes no more peers without channels. */
const CLIENTS_MAX = 250;

/** The package `ws`, or one sentence. */
export function loadWs(): typeof import('ws') {
  try {
    return createRequire(import.meta.url)('ws') as typeof import('ws');
  } catch (cause) {
    throw new UsageError('WebSocket needs the package ws here: npm install ws@8.23.0', { cause });
  }
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where one that listens everywhere is found. */
const ANYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

interface Relay {
  readonly port: number;
  close(): Promise<void>;
}

/** Lets browsers in: whatever comes by WebSocket goes to the node's own TCP port, byte for byte; BOLT 8 stays between the ends. */
export function wsRelay(listen: Address, to: Address): Promise<Relay> {
  const { WebSocketServer: Server } = loadWs();
  return new Promise((resolve, reject) => {
    const server: WebSocketServer = new Server({ ...listen, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false });
    server.on('connection', (socket: WebSocket) => {
      // Before anything else: an error that nobody hears ends the process.
      socket.on('error', () => undefined);
      if (server.clients.size > CLIENTS_MAX) socket.terminate();
      else join(socket, to);
    });
    server.once('error', reject);
    server.once('listening', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : listen.port;
      resolve({ port, close: () => closeAll(server) });
    });
  });
}

function join(socket: WebSocket, { host, port }: Address): void {
  const node = connect({ host: ANYWHERE[host] ?? host, port });
  node.setNoDelay(true);
  node.on('data', (data) => {
    socket.send(data, () => socket.bufferedAmount < BACKLOG_BYTES_MAX && node.resume());
    if (socket.bufferedAmount >= BACKLOG_BYTES_MAX) node.pause();
  });
  node.on('drain', () => socket.resume());
  node.on('error', () => undefined); // 'close' follows
  node.on('close', () => socket.close());
  socket.on('message', (data) => {
    if (!node.write(data as Buffer)) socket.pause();
  });
  socket.on('close', () => node.destroy());
}

function closeAll(server: WebSocketServer): Promise<void> {
  for (const client of server.clients) client.terminate();
  return new Promise((resolve) => server.close(() => resolve()));
}
