import { connect } from 'node:net';
import { NodeError } from 'lsps2';

/** lightningd's own commands answer at once, but for `connect`, which waits for the peer. */
const TIMEOUT_MS = 60_000;

/** lightningd lets 128 connections wait; many HTLCs at once would be more. */
const CALLS_MAX = 32;

/**
 * Calls lightningd over its socket `lightning-rpc`. Each call has a connection of its own: one that waits for a peer keeps few waiting.
 * Rejects with NodeError, which has lightningd's own words.
 */
export function rpcOver(socketPath: string): (method: string, params: object) => Promise<unknown> {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  return async (method, params) => {
    if (underWay >= CALLS_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
    else underWay++;
    try {
      return await callOnce(socketPath, method, params);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else underWay--;
    }
  };
}

function callOnce(socketPath: string, method: string, params: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const failed = (message: string, reason: 'unreachable' | 'timeout' | 'other', cause?: unknown) =>
      end(() => reject(new NodeError(`lightningd: ${method}: ${message}`, { reason, detail: message, cause })));
    const timer = setTimeout(() => failed('no answer', 'timeout'), TIMEOUT_MS);
    let text = '';
    function end(settle: () => void): void {
      clearTimeout(timer);
      socket.destroy();
      settle();
    }
    socket.setEncoding('utf8');
    socket.on('error', (cause) => failed('its socket cannot be reached', 'unreachable', cause));
    socket.on('close', () => failed('it hung up', 'unreachable'));
    socket.on('data', (piece: string) => {
      text += piece;
      if (!text.endsWith('\n\n')) return;
      const { result, error } = JSON.parse(text) as { result?: unknown; error?: { message?: unknown } };
      if (error === undefined) end(() => resolve(result));
      else failed(String(error.message), 'other');
    });
    socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: `lsps2/${method}`, method, params })}\n\n`);
  });
}
