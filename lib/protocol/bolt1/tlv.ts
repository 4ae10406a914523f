import { concat } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { decodeBigSize, encodeBigSize } from './bigSize.ts';

/** One record of a TLV stream (BOLT 1 "Type-Length-Value Format"). */
export interface TlvRecord {
  readonly type: bigint;
  readonly value: Uint8Array;
}

/** Reads a whole stream: types strictly increasing, shortest lengths, nothing cut off. @throws {@link DecodeError} */
export function decodeTlvStream(bytes: Uint8Array): readonly TlvRecord[] {
  const records: TlvRecord[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const type = decodeBigSize(bytes, offset);
    const length = decodeBigSize(bytes, type.end);
    const last = records.at(-1);
    if (last && type.value <= last.type)
      throw new DecodeError('', `TLV type ${type.value} is repeated or out of order`);
    if (length.value > BigInt(bytes.length - length.end))
      throw new DecodeError('', `TLV type ${type.value} is cut off`);
    offset = length.end + Number(length.value);
    records.push({ type: type.value, value: bytes.slice(length.end, offset) });
  }
  return records;
}

/** @throws RangeError when the types do not strictly increase. */
export function encodeTlvStream(records: readonly TlvRecord[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let last = -1n;
  for (const { type, value } of records) {
    if (type <= last) throw new RangeError(`TLV type ${type} is repeated or out of order`);
    parts.push(encodeBigSize(type), encodeBigSize(BigInt(value.length)), value);
    last = type;
  }
  return concat(...parts);
}

/** "It's OK to be odd": the first even type that is not in `known` and must be refused. */
export function unknownEvenType(records: readonly TlvRecord[], known: ReadonlySet<bigint>): bigint | undefined {
  return records.find(({ type }) => type % 2n === 0n && !known.has(type))?.type;
}
