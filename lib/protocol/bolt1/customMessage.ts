import { concat, fromUint, toUint } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';

/** A Lightning message, its 2-byte type included, has at most 65,535 bytes (BOLT 8). */
export const MESSAGE_BYTES_MAX = 65_535;
const TYPE_BYTES = 2;
export const PAYLOAD_BYTES_MAX = MESSAGE_BYTES_MAX - TYPE_BYTES;
/** Types from here on are free for custom use (BOLT 1 "Lightning Message Format"). */
export const CUSTOM_TYPE_MIN = 32_768;

/** A custom message of BOLT 1. */
export interface CustomMessage {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** @throws RangeError when the type is not custom, or the payload too long. */
export function encodeCustomMessage({ type, payload }: CustomMessage): Uint8Array {
  if (type < CUSTOM_TYPE_MIN || type > 0xffff) throw new RangeError(`${type} is not a custom message type`);
  if (payload.length > PAYLOAD_BYTES_MAX) throw new RangeError(`${payload.length} bytes do not fit into a message`);
  return concat(fromUint(BigInt(type), TYPE_BYTES), payload);
}

/** @throws {@link DecodeError} when it is too short, too long, or its type not custom. */
export function decodeCustomMessage(bytes: Uint8Array): CustomMessage {
  if (bytes.length < TYPE_BYTES) throw new DecodeError('', 'a message without a type');
  if (bytes.length > MESSAGE_BYTES_MAX) throw new DecodeError('', `a message of ${bytes.length} bytes`);
  const type = Number(toUint(bytes.subarray(0, TYPE_BYTES)));
  if (type < CUSTOM_TYPE_MIN) throw new DecodeError('', `${type} is not a custom message type`);
  return { type, payload: bytes.slice(TYPE_BYTES) };
}
