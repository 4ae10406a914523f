import { fromUint, toUint } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';

const U64_END = 1n << 64n;

/** BigSize of BOLT 1: 1, 3, 5 or 9 bytes. @throws RangeError outside of u64. */
export function encodeBigSize(value: bigint): Uint8Array {
  if (value < 0n || value >= U64_END) throw new RangeError(`${value} does not fit into a BigSize`);
  if (value < 0xfdn) return Uint8Array.of(Number(value));
  const [marker, width] = value < 0x1_0000n ? [0xfd, 2] : value < 0x1_0000_0000n ? [0xfe, 4] : [0xff, 8];
  const bytes = new Uint8Array(1 + width);
  bytes[0] = marker;
  bytes.set(fromUint(value, width), 1);
  return bytes;
}

const LONG_FORM: Record<number, readonly [width: number, least: bigint]> = {
  0xfd: [2, 0xfdn],
  0xfe: [4, 0x1_0000n],
  0xff: [8, 0x1_0000_0000n],
};

/** Reads a BigSize at `offset`. @throws {@link DecodeError} when it is cut off or not in its shortest form. */
export function decodeBigSize(bytes: Uint8Array, offset = 0): { readonly value: bigint; readonly end: number } {
  const first = bytes[offset];
  if (first === undefined) throw new DecodeError('', 'a BigSize is missing');
  const long = LONG_FORM[first];
  if (!long) return { value: BigInt(first), end: offset + 1 };
  const [width, least] = long;
  const end = offset + 1 + width;
  if (end > bytes.length) throw new DecodeError('', 'a BigSize is cut off');
  const value = toUint(bytes.subarray(offset + 1, end));
  if (value < least) throw new DecodeError('', 'a BigSize is not in its shortest form');
  return { value, end };
}
