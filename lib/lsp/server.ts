import { DecodeError } from '../core/errors.ts';
import type { NodeId } from '../core/ids.ts';
import type { Stop } from '../ports/abort.ts';
import type { Log } from '../ports/log.ts';
import type { PeerMessages } from '../ports/peerMessages.ts';
import { decodeFrame, encodeFrame, LSPS0_MESSAGE_TYPE } from '../protocol/lsps0/frame.ts';
import { type JsonObject, object } from '../protocol/lsps0/json.ts';
import { decodeRequest, encodeError, encodeResult, type Incoming } from '../protocol/lsps0/jsonRpc.ts';
import { RPC_CODE, RpcFault } from './rpcFault.ts';

export interface Method {
  /** The names of its parameters; others are refused, as bLIP-50 asks. */
  readonly params: readonly string[];
  call(client: NodeId, params: JsonObject): Promise<JsonObject>;
}

/** More than this many unanswered requests of one peer are dropped: a client that floods waits for its own timeout. */
export const REQUESTS_PER_PEER_MAX = 10;
/** The same, of all peers together: so many messages, of up to 65,533 bytes each, are in memory at most. */
const REQUESTS_MAX = 1_000;

/** The JSON-RPC server of bLIP-50, over custom messages. */
export function serve(peers: PeerMessages, methods: Readonly<Record<string, Method>>, log: Log): Stop {
  const inFlight = new Map<NodeId, number>();
  let total = 0;
  return peers.onMessage((from, type, payload) => {
    if (type !== LSPS0_MESSAGE_TYPE) return;
    const running = inFlight.get(from) ?? 0;
    if (running >= REQUESTS_PER_PEER_MAX || total >= REQUESTS_MAX) {
      log({ level: 'warn', event: 'lsps0.flood', fields: { peer: from } });
      return;
    }
    inFlight.set(from, running + 1);
    total++;
    void answer(methods, from, payload, log)
      .then((reply) => peers.send(from, LSPS0_MESSAGE_TYPE, encodeFrame(reply)))
      // A client that is gone has not heard us; it may ask again (bLIP-50 "Disconnection Handling").
      .catch(() => log({ level: 'debug', event: 'lsps0.reply_lost', fields: { peer: from } }))
      .finally(() => {
        total--;
        const left = (inFlight.get(from) ?? 1) - 1;
        if (left > 0) inFlight.set(from, left);
        else inFlight.delete(from);
      });
  });
}

async function answer(
  methods: Readonly<Record<string, Method>>,
  from: NodeId,
  payload: Uint8Array,
  log: Log,
): Promise<JsonObject> {
  let request: Incoming;
  try {
    request = decodeRequest(decodeFrame(payload));
  } catch {
    log({ level: 'warn', event: 'lsps0.bad_message', fields: { peer: from } });
    return encodeError(null, { code: RPC_CODE.parse_error, message: 'parse error' });
  }
  try {
    return encodeResult(request.id, await call(methods, from, request));
  } catch (error) {
    const fault = faultOf(error);
    if (fault.reason === 'internal_error') {
      log({ level: 'warn', event: 'lsps0.internal_error', fields: { peer: from, cause: String(error) } });
    }
    return encodeError(request.id, { code: RPC_CODE[fault.reason], message: fault.reason, data: fault.data });
  }
}

async function call(methods: Readonly<Record<string, Method>>, from: NodeId, request: Incoming): Promise<JsonObject> {
  const method = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined;
  if (!method) throw new RpcFault('method_not_found');
  const params = request.params ?? object({});
  if (!(params instanceof Map)) throw invalidParams([]);
  const unrecognized = [...(params as JsonObject).keys()].filter((name) => !method.params.includes(name));
  if (unrecognized.length > 0) throw invalidParams(unrecognized);
  return method.call(from, params as JsonObject);
}

/** bLIP-50: -32602 always says which parameters were not recognized, even if none. */
const invalidParams = (unrecognized: readonly string[]) => new RpcFault('invalid_params', object({ unrecognized }));

function faultOf(error: unknown): RpcFault {
  if (error instanceof RpcFault) return error;
  if (error instanceof DecodeError) return invalidParams([]);
  return new RpcFault('internal_error');
}
