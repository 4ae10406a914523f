import { DecodeError } from '../../core/errors.ts';
import { toHex } from '../../core/bytes.ts';
import { asInteger, asObject, asString, field } from './fields.ts';
import { type Json, JsonNumber, type JsonObject, number, object } from './json.ts';

// The subset of JSON-RPC 2.0 that bLIP-50 allows: single requests with parameters by name, and their responses.

const VERSION = '2.0';
/** bLIP-50 "Disconnection Handling" asks for at least 80 bits; 128 cost nothing more. */
export const REQUEST_ID_BYTES = 16;
const REQUEST_ID_BITS_MIN = 80;

/** Turns fresh random bytes into a request id: plain hex, which no peer has to unescape. */
export function requestId(random: Uint8Array): string {
  if (random.length * 8 < REQUEST_ID_BITS_MIN) throw new RangeError(`an id needs ${REQUEST_ID_BITS_MIN} random bits`);
  return toHex(random);
}

export interface Request {
  readonly id: string;
  readonly method: string;
  readonly params: JsonObject;
}

export const encodeRequest = ({ id, method, params }: Request): JsonObject =>
  object({ jsonrpc: VERSION, id, method, params });

export interface ErrorObject {
  /** An integer between -32768 and 32767. */
  readonly code: number;
  /** The peer's words, unfiltered. */
  readonly message: string;
  readonly data?: Json | undefined;
}

/** What a client receives. `id` is null when the LSP could not read which request it answers. */
export type ClientBound =
  | { readonly tag: 'result'; readonly id: string | null; readonly result: Json }
  | { readonly tag: 'error'; readonly id: string | null; readonly error: ErrorObject }
  | { readonly tag: 'notification'; readonly method: string };

/** Reads a response or notification. @throws {@link DecodeError}: a "bad message format" of bLIP-50. */
export function decodeClientBound(message: JsonObject): ClientBound {
  checkVersion(message);
  if (!message.has('id')) return { tag: 'notification', method: field(message, 'method', '', asString) };
  const id = responseId(message.get('id'));
  const error = message.get('error');
  const result = message.get('result');
  // Some LSPs send `"error": null` beside a result, or the other way round.
  if (error !== undefined && error !== null) {
    if (result !== undefined && result !== null) throw new DecodeError('', 'both a result and an error');
    return { tag: 'error', id, error: decodeError(asObject(error, 'error')) };
  }
  if (result === undefined) throw new DecodeError('', 'neither a result nor an error');
  return { tag: 'result', id, result };
}

function checkVersion(message: JsonObject): void {
  if (message.get('jsonrpc') !== VERSION) throw new DecodeError('jsonrpc', 'not "2.0"');
}

/** An id that is not a string is not one of ours; as a text that we never sent it is ignored like any unknown id. */
function responseId(id: Json | undefined): string | null {
  if (id === null || typeof id === 'string') return id;
  if (id instanceof JsonNumber) return `number ${id.text}`;
  throw new DecodeError('id', 'neither a string nor null');
}

const ERROR_CODE_LIMIT = 1n << 31n;

function decodeError(error: JsonObject): ErrorObject {
  const code = field(error, 'code', 'error', asInteger);
  if (code >= ERROR_CODE_LIMIT || code < -ERROR_CODE_LIMIT) throw new DecodeError('error.code', 'out of range');
  return { code: Number(code), message: field(error, 'message', 'error', asString), data: error.get('data') };
}

/** What an LSP receives. A client that numbers its requests gets its number back. */
export interface Incoming {
  readonly id: string | JsonNumber;
  readonly method: string;
  readonly params: Json | undefined;
}

/** Reads a request. @throws {@link DecodeError}: answer it with -32700 and a null id. */
export function decodeRequest(message: JsonObject): Incoming {
  checkVersion(message);
  const id = message.get('id');
  if (typeof id !== 'string' && !(id instanceof JsonNumber)) throw new DecodeError('id', 'not a string');
  return { id, method: field(message, 'method', '', asString), params: message.get('params') };
}

export const encodeResult = (id: string | JsonNumber, result: JsonObject): JsonObject =>
  object({ jsonrpc: VERSION, id, result });

export const encodeError = (id: string | JsonNumber | null, error: ErrorObject): JsonObject =>
  object({
    jsonrpc: VERSION,
    id,
    error: object({ code: number(error.code), message: error.message, data: error.data }),
  });
