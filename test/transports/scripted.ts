import { createServer, type Server, type Socket } from 'node:net';
import { concat, fromHex, fromUint } from '../../lib/core/bytes.ts';
import { DecodeError } from '../../lib/core/errors.ts';
import type { NodeId, PeerUri } from '../../lib/core/ids.ts';
import { chainHash } from '../../lib/protocol/bolt1/chains.ts';
import { decodeMessage, encodeMessage } from '../../lib/protocol/bolt1/message.ts';
import { encodeInit, MESSAGE_TYPE } from '../../lib/protocol/bolt1/setup.ts';
import { publicKey } from '../../lib/protocol/bolt11/signature.ts';
import { ACT_ONE_BYTES, ACT_THREE_BYTES, respond } from '../../lib/protocol/bolt8/handshake.ts';
import { type Opener, opener, sealer } from '../../lib/protocol/bolt8/transport.ts';

/** Where a scripted peer stops doing what it should. */
export type Step = 'accept' | 'act one' | 'act three' | 'init' | 'message';
export const STEPS: readonly Step[] = ['accept', 'act one', 'act three', 'init', 'message'];

/** The other end of a connection, in the hands of a test. */
interface Caller {
  readonly socket: Socket;
  /** Whose key the caller has; known from act three on. */
  remote: NodeId | undefined;
  send(type: number, payload?: Uint8Array): void;
  /** Raw bytes of messages one after the other, as they would be sent. */
  seal(type: number, payload?: Uint8Array): Uint8Array;
  /** The same of any bytes, whether they are a message or not. */
  sealBytes(bytes: Uint8Array): Uint8Array;
}

export interface Script {
  /** At each step, before it is answered. `false`: it is not answered any more. */
  at?(step: Step, caller: Caller): boolean | undefined;
  /** Instead of an `init` of today's LDK. */
  init?: Uint8Array;
  message?(type: number, payload: Uint8Array, caller: Caller): void;
}

export interface Scripted {
  readonly uri: PeerUri;
  readonly callers: Caller[];
  /** Sockets that are open. */
  open(): Promise<number>;
  close(): Promise<void>;
}

const SECRET = fromHex('21'.repeat(32));
export const INIT = encodeInit({ features: [1, 9, 13, 15, 45, 729], chains: [chainHash('regtest')] });

/** A peer on a real socket that speaks BOLT 8 and BOLT 1 as far as its script lets it. */
export async function scripted(script: Script = {}): Promise<Scripted> {
  const callers: Caller[] = [];
  const server: Server = createServer((socket) => callers.push(serve(socket, script)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    uri: { nodeId: publicKey(SECRET), host: '127.0.0.1', port },
    callers,
    open: () => new Promise((resolve, reject) => server.getConnections((e, n) => (e ? reject(e) : resolve(n)))),
    async close() {
      for (const { socket } of callers) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serve(socket: Socket, script: Script): Caller {
  const noise = respond({ secret: SECRET, ephemeral: fromHex('22'.repeat(32)) });
  let waiting: Uint8Array = new Uint8Array(0);
  let stage: 'one' | 'three' | 'up' | 'stopped' = 'one';
  let open: Opener | undefined;
  let seal: (message: Uint8Array) => Uint8Array = () => new Uint8Array(0);
  let greeted = false;
  const caller: Caller = {
    socket,
    remote: undefined,
    sealBytes: (bytes) => seal(bytes),
    seal: (type, payload = new Uint8Array(0)) => seal(encodeMessage({ type, payload })),
    send: (type, payload) => void socket.write(caller.seal(type, payload)),
  };
  const goesOn = (step: Step) => {
    const on = script.at?.(step, caller) !== false;
    if (!on) stage = 'stopped';
    return on;
  };
  socket.on('error', () => undefined);
  // Without a reader its end is never seen.
  socket.resume();
  if (!goesOn('accept')) return caller;
  const take = (data: Uint8Array) => {
    waiting = concat(waiting, data);
    if (stage === 'one' && waiting.length >= ACT_ONE_BYTES) {
      if (!goesOn('act one')) return;
      socket.write(noise.actOne(waiting.slice(0, ACT_ONE_BYTES)));
      waiting = waiting.slice(ACT_ONE_BYTES);
      stage = 'three';
    }
    if (stage === 'three' && waiting.length >= ACT_THREE_BYTES) {
      const { remote, keys } = noise.actThree(waiting.slice(0, ACT_THREE_BYTES));
      waiting = waiting.slice(ACT_THREE_BYTES);
      caller.remote = remote;
      [open, seal] = [opener(keys), sealer(keys)];
      stage = 'up';
      if (!goesOn('act three')) return;
      caller.send(MESSAGE_TYPE.init, script.init ?? INIT);
    }
    if (stage !== 'up' || !open) return;
    const messages = open.feed(waiting);
    waiting = new Uint8Array(0);
    for (const each of messages) {
      const { type, payload } = decodeMessage(each);
      if (!goesOn(greeted ? 'message' : 'init')) return;
      greeted = true;
      script.message?.(type, payload, caller);
    }
  };
  socket.on('data', (data) => {
    try {
      take(data);
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause;
      socket.destroy();
    }
  });
  return caller;
}

/** An `error` or `warning` with words, of all channels or of one. */
export const complaint = (words: string, channel = '00'): Uint8Array =>
  concat(fromHex(channel.repeat(32)), fromUint(BigInt(words.length), 2), new TextEncoder().encode(words));
