import { DecodeError } from '../../core/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import { PAYLOAD_BYTES_MAX } from '../bolt1/message.ts';
import { asObject } from './fields.ts';
import { formatJson, type JsonObject, parseJson } from './json.ts';

/** The BOLT 8 message type of all LSPS messages (bLIP-50 "Lightning Peer-To-Peer Transport"). */
export const LSPS0_MESSAGE_TYPE = 37_913;

/**
 * The payload of one LSPS0 message: exactly one JSON object in valid UTF-8, white space around it allowed, no 0 byte,
 * nothing after it (bLIP-50 "Message Payload Format"). @throws {@link DecodeError}
 */
export function decodeFrame(payload: Uint8Array): JsonObject {
  if (payload.length > PAYLOAD_BYTES_MAX) throw new DecodeError('', `a payload of ${payload.length} bytes`);
  if (payload.includes(0)) throw new DecodeError('', 'a 0 byte in the payload');
  return asObject(parseJson(decodeUtf8(payload)), '');
}

/** @throws RangeError when the object does not fit into one message. */
export function encodeFrame(message: JsonObject): Uint8Array {
  const payload = encodeUtf8(formatJson(message));
  if (payload.length > PAYLOAD_BYTES_MAX) throw new RangeError(`${payload.length} bytes do not fit into one message`);
  return payload;
}
