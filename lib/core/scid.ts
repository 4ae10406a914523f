import type { Brand } from './brand.ts';
import { U64_MAX } from './amount.ts';
import { DecodeError } from './errors.ts';

/** A short channel id (BOLT 7): 3 bytes of block height, 3 of transaction index, 2 of output index. */
export type Scid = Brand<bigint, 'scid'>;

const FORM = /^(0|[1-9]\d{0,7})x(0|[1-9]\d{0,7})x(0|[1-9]\d{0,4})$/;
const BLOCK_MAX = 0xffffffn;
const OUTPUT_MAX = 0xffffn;

/** @throws RangeError outside of u64. */
export function scid(value: bigint): Scid {
  if (value < 0n || value > U64_MAX) throw new RangeError(`${value} is not a short channel id`);
  return value as Scid;
}

/** Reads `103x2x1` (bLIP-50 "Common schemas"). @throws {@link DecodeError} */
export function parseScid(text: string, path = ''): Scid {
  const match = FORM.exec(text);
  if (!match) throw new DecodeError(path, 'not a short channel id of the form BLOCKxTXxOUTPUT');
  const [block, transaction, output] = match.slice(1).map(BigInt) as [bigint, bigint, bigint];
  if (block > BLOCK_MAX || transaction > BLOCK_MAX || output > OUTPUT_MAX) {
    throw new DecodeError(path, 'a short channel id with a number out of range');
  }
  return scid((block << 40n) | (transaction << 16n) | output);
}

export const formatScid = (value: Scid): string =>
  `${value >> 40n}x${(value >> 16n) & BLOCK_MAX}x${value & OUTPUT_MAX}`;
