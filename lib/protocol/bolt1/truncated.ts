import { fromUint, toUint } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';

export type TruncatedWidth = 2 | 4 | 8;

/** `tu16`, `tu32`, `tu64` of BOLT 1: big-endian without leading zeros; zero is no bytes at all. */
export function encodeTruncated(value: bigint, width: TruncatedWidth): Uint8Array {
  const bytes = fromUint(value, width);
  const start = bytes.findIndex((byte) => byte !== 0);
  return start < 0 ? new Uint8Array(0) : bytes.slice(start);
}

/** @throws {@link DecodeError} on leading zeros or more bytes than the width. */
export function decodeTruncated(bytes: Uint8Array, width: TruncatedWidth): bigint {
  if (bytes.length > width) throw new DecodeError('', `${bytes.length} bytes for a tu${8 * width}`);
  if (bytes[0] === 0) throw new DecodeError('', `a tu${8 * width} with a leading zero`);
  return toUint(bytes);
}
