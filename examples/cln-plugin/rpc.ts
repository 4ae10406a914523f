import { connect } from 'node:net';
import { NodeError } from 'lsps2';

/** lightningd's own commands answer at once, but for `connect`, which waits for the peer. */
const TIMEOUT_MS = 60_000;

/**
 * Calls lightningd over its socket `lightning-rpc`. Each call has a connection of its own: one that waits for a peer keeps none waiting.
 * @throws NodeError with lightningd's own words
 */
export function rpcCall(socketPath: string, method: string, params: object): Promise<unknown> {
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
