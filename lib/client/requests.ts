import { RpcError, TransportError } from '../core/errors.ts';
import type { NodeId, PeerUri } from '../core/ids.ts';
import type { Abortable, AbortSignalLike, Stop } from '../ports/abort.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PeerMessages } from '../ports/peerMessages.ts';
import { filterPeerText, reasonOf } from '../protocol/lsps0/errors.ts';
import { decodeFrame, encodeFrame, LSPS0_MESSAGE_TYPE } from '../protocol/lsps0/frame.ts';
import type { Json, JsonObject } from '../protocol/lsps0/json.ts';
import {
  type ClientBound,
  decodeClientBound,
  encodeRequest,
  type ErrorObject,
  REQUEST_ID_BYTES,
  requestId,
} from '../protocol/lsps0/jsonRpc.ts';
import { LSPS2_ERROR } from '../protocol/lsps2/errors.ts';

/** bLIP-50 "Disconnection Handling": on the scale of minutes. */
const REQUEST_TIMEOUT_MS = 60_000;

export interface Requests {
  /**
   * Asks an LSP, connecting first if need be, and resolves with the `result`.
   * @throws TransportError (no connection, no answer), RpcError (a no), DecodeError (nonsense).
   */
  ask(lsp: PeerUri, method: string, params: JsonObject, options?: Abortable): Promise<Json>;
  close(): void;
}

interface Pending {
  readonly lsp: NodeId;
  resolve(result: Json): void;
  reject(error: unknown): void;
}

interface Init {
  readonly node: PeerMessages;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly timeoutMs?: number | undefined;
}

/** Requests by JSON-RPC over custom messages, and which answer belongs to which. */
export function requests({ node, clock, random, log, timeoutMs = REQUEST_TIMEOUT_MS }: Init): Requests {
  const pending = new Map<string, Pending>();
  /** Peers that sent nonsense: bLIP-50 says not to ask them again before they reconnect. */
  const muted = new Set<NodeId>();
  let closed = false;
  /** Ends what waits for a connection when the client is closed. */
  const closers = new Set<(error: unknown) => void>();

  function check(signal: AbortSignalLike | undefined): void {
    if (closed) throw new TransportError('closed', 'the client was closed');
    if (signal?.aborted) throw signal.reason;
  }

  const rejectAll = (lsp: NodeId, error: unknown) => {
    for (const each of pending.values()) if (each.lsp === lsp) each.reject(error);
  };

  function received(from: NodeId, payload: Uint8Array): void {
    // Whoever was asked nothing has nothing to say.
    if (![...pending.values()].some((each) => each.lsp === from)) return;
    let message: ClientBound;
    try {
      message = decodeClientBound(decodeFrame(payload));
    } catch (error) {
      log({ level: 'warn', event: 'lsps0.bad_message', fields: { peer: from } });
      muted.add(from);
      rejectAll(from, error);
      return;
    }
    if (message.tag === 'notification') {
      log({ level: 'warn', event: 'lsps0.unknown_notification', fields: { peer: from } });
      return;
    }
    if (message.tag === 'error' && toRpcError(message.error).reason === 'unknown')
      log({ level: 'warn', event: 'lsps0.unknown_error_code', fields: { peer: from, code: message.error.code } });
    if (message.id === null) {
      // It could not read which request it refuses, so it refuses them all; LDK then ignores us until we reconnect.
      if (message.tag === 'error') rejectAll(from, toRpcError(message.error));
      return;
    }
    const asked = pending.get(message.id);
    if (asked?.lsp !== from) return; // bLIP-50: unknown ids are ignored, and nobody answers for another.
    if (message.tag === 'result') asked.resolve(message.result);
    else asked.reject(toRpcError(message.error));
  }

  const stops: readonly Stop[] = [
    node.onMessage((from, type, payload) => {
      if (type === LSPS0_MESSAGE_TYPE) received(from, payload);
    }),
    node.onDisconnected((peer) => {
      muted.delete(peer);
      rejectAll(peer, new TransportError('closed', 'the connection to the LSP was lost before it answered'));
    }),
  ];

  return {
    async ask(lsp, method, params, { signal } = {}) {
      check(signal);
      await bounded(() => node.connect(lsp, { signal }), { clock, timeoutMs, signal, closers });
      check(signal);
      if (muted.has(lsp.nodeId)) {
        throw new TransportError(
          'closed',
          'the LSP sent nonsense on this connection; it is asked again after the next one',
        );
      }
      const id = requestId(random(REQUEST_ID_BYTES));
      const frame = encodeFrame(encodeRequest({ id, method, params }));
      const answer = waitFor(pending, id, lsp.nodeId, { clock, timeoutMs, signal });
      const sent = async () => node.send(lsp.nodeId, LSPS0_MESSAGE_TYPE, frame);
      sent().catch((error: unknown) => pending.get(id)?.reject(error));
      return answer;
    },
    close() {
      closed = true;
      for (const stop of stops) stop();
      for (const end of closers) end(new TransportError('closed', 'the client was closed'));
      for (const each of pending.values()) each.reject(new TransportError('closed', 'the client was closed'));
    },
  };
}

/** Waits for a job no longer than the signal, the clock and the client allow: not every node can give up connecting. */
function bounded(
  job: () => Promise<void>,
  o: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly signal: AbortSignalLike | undefined;
    readonly closers: Set<(error: unknown) => void>;
  },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => end(o.signal?.reason);
    const disarm = o.clock.after(o.timeoutMs, () =>
      end(new TransportError('timeout', `no connection to the LSP within ${o.timeoutMs / 1000} s`)),
    );
    const stop = () => {
      disarm();
      o.signal?.removeEventListener('abort', aborted);
      o.closers.delete(end);
    };
    function end(error: unknown): void {
      stop();
      reject(error);
    }
    o.signal?.addEventListener('abort', aborted);
    o.closers.add(end);
    // A node that throws at once is treated as one that rejects.
    const asked = async () => job();
    asked().then(() => {
      stop();
      resolve();
    }, end);
  });
}

function waitFor(
  pending: Map<string, Pending>,
  id: string,
  lsp: NodeId,
  o: { readonly clock: Clock; readonly timeoutMs: number; readonly signal: AbortSignalLike | undefined },
): Promise<Json> {
  return new Promise((resolve, reject) => {
    const aborted = () => finish(() => reject(o.signal?.reason));
    const disarm = o.clock.after(o.timeoutMs, () =>
      finish(() => reject(new TransportError('timeout', `the LSP did not answer within ${o.timeoutMs / 1000} s`))),
    );
    const finish = (settle: () => void) => {
      pending.delete(id);
      disarm();
      o.signal?.removeEventListener('abort', aborted);
      settle();
    };
    o.signal?.addEventListener('abort', aborted);
    pending.set(id, {
      lsp,
      resolve: (result) => finish(() => resolve(result)),
      reject: (error) => finish(() => reject(error)),
    });
  });
}

function toRpcError(error: ErrorObject): RpcError {
  return new RpcError({
    rpcCode: error.code,
    reason: reasonOf(error.code, LSPS2_ERROR),
    detail: filterPeerText(error.message),
  });
}
