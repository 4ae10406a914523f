import { concat, fromUint, toUint } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';

/** A Lightning message, its 2-byte type included, has at most 65,535 bytes (BOLT 8). */
export const MESSAGE_BYTES_MAX = 65_535;
const TYPE_BYTES = 2;
export const PAYLOAD_BYTES_MAX = MESSAGE_BYTES_MAX - TYPE_BYTES;

/** A message of BOLT 1: its type, and what follows. */
export interface Message {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** @throws RangeError when the payload is too long. */
export function encodeMessage({ type, payload }: Message): Uint8Array {
  if (payload.length > PAYLOAD_BYTES_MAX) throw new RangeError(`${payload.length} bytes do not fit into a message`);
  return concat(fromUint(BigInt(type), TYPE_BYTES), payload);
}

/** @throws {@link DecodeError} when it is too short or too long. */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < TYPE_BYTES) throw new DecodeError('', 'a message without a type');
  if (bytes.length > MESSAGE_BYTES_MAX) throw new DecodeError('', `a message of ${bytes.length} bytes`);
  return { type: Number(toUint(bytes.subarray(0, TYPE_BYTES))), payload: bytes.slice(TYPE_BYTES) };
}
