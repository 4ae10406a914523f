import { DecodeError } from '../../core/errors.ts';
import { decodeMessage, encodeMessage, type Message } from './message.ts';

/** Types from here on are free for custom use (BOLT 1 "Lightning Message Format"). */
export const CUSTOM_TYPE_MIN = 32_768;

/** A custom message of BOLT 1. */
export type CustomMessage = Message;

export const isCustom = (type: number): boolean => type >= CUSTOM_TYPE_MIN && type <= 0xffff;

/** @throws RangeError when the type is not custom, or the payload too long. */
export function encodeCustomMessage(message: CustomMessage): Uint8Array {
  if (!isCustom(message.type)) throw new RangeError(`${message.type} is not a custom message type`);
  return encodeMessage(message);
}

/** @throws {@link DecodeError} when it is too short, too long, or its type not custom. */
export function decodeCustomMessage(bytes: Uint8Array): CustomMessage {
  const message = decodeMessage(bytes);
  if (!isCustom(message.type)) throw new DecodeError('', `${message.type} is not a custom message type`);
  return message;
}
