import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { fromHex, toHex, toUint } from '../../../lib/core/bytes.ts';
import { DecodeError } from '../../../lib/core/errors.ts';
import { decodeBigSize, encodeBigSize } from '../../../lib/protocol/bolt1/bigSize.ts';
import { decodeCustomMessage, encodeCustomMessage } from '../../../lib/protocol/bolt1/customMessage.ts';
import { PAYLOAD_BYTES_MAX } from '../../../lib/protocol/bolt1/message.ts';
import { decodeFeatures, encodeFeatures, hasFeature } from '../../../lib/protocol/bolt1/features.ts';
import { decodeTlvStream, encodeTlvStream, unknownEvenType } from '../../../lib/protocol/bolt1/tlv.ts';
import { decodeTruncated, encodeTruncated } from '../../../lib/protocol/bolt1/truncated.ts';
import { vectors } from '../../rows.ts';

const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

describe('BigSize, BOLT 1 appendix A', () => {
  type Row = { name: string; value: string; bytes: string; error?: string };
  const rows = vectors<{ decode: Row[]; encode: Row[] }>('bolt1/bigsize.json');

  test.each(rows.decode)('reads: $name', ({ bytes, value, error }) => {
    const read = () => {
      const { value: got, end } = decodeBigSize(fromHex(bytes));
      expect(end).toBe(bytes.length / 2);
      return got;
    };
    if (error) expect(read).toThrow(DecodeError);
    else expect(read()).toBe(BigInt(value));
  });
  test.each(rows.encode)('writes: $name', ({ bytes, value }) => {
    expect(toHex(encodeBigSize(BigInt(value)))).toBe(bytes);
  });
  it('reads back what it wrote', () => {
    fc.assert(fc.property(u64, (n) => decodeBigSize(encodeBigSize(n)).value === n));
  });
  it('refuses what does not fit', () => {
    expect(() => encodeBigSize(1n << 64n)).toThrow(RangeError);
    expect(() => encodeBigSize(-1n)).toThrow(RangeError);
  });
});

/** The namespaces n1 and n2 of appendix B: what each known type must hold. */
const u = (width: number) => (bytes: Uint8Array) => {
  if (bytes.length !== width) throw new DecodeError('', 'length');
  return [toUint(bytes).toString()];
};
const scid = (bytes: Uint8Array) => {
  const [n = ''] = u(8)(bytes);
  const value = BigInt(n);
  return [`${value >> 40n}x${(value >> 16n) & 0xffffffn}x${value & 0xffffn}`];
};
const point = (bytes: Uint8Array) => {
  if (bytes.length !== 49 || ![2, 3].includes(bytes[0] ?? 0)) throw new DecodeError('', 'point');
  return [toHex(bytes.subarray(0, 33)), ...u(8)(bytes.subarray(33, 41)), ...u(8)(bytes.subarray(41))];
};
const namespaces: Record<string, Map<bigint, (bytes: Uint8Array) => string[]>> = {
  n1: new Map([
    [1n, (bytes) => [decodeTruncated(bytes, 8).toString()]],
    [2n, scid],
    [3n, point],
    [254n, u(2)],
  ]),
  n2: new Map([
    [0n, (bytes) => [decodeTruncated(bytes, 8).toString()]],
    [11n, (bytes) => [decodeTruncated(bytes, 4).toString()]],
  ]),
};

describe('TLV streams, BOLT 1 appendix B', () => {
  type Value = { type: string; fields: Record<string, string> };
  type Row = { namespaces: string[]; valid: boolean; stream: string; reason: string; values?: Value[] };
  const rows = vectors<{ vectors: Row[] }>('bolt1/tlv.json').vectors.flatMap((row) =>
    row.namespaces.map((namespace) => ({ ...row, namespace })),
  );

  test.each(rows)('$namespace $stream: $reason', ({ namespace, stream, valid, values }) => {
    const known = namespaces[namespace]!;
    const read = () => {
      const records = decodeTlvStream(fromHex(stream));
      const unknown = unknownEvenType(records, new Set(known.keys()));
      if (unknown !== undefined) throw new DecodeError('', `unknown even type ${unknown}`);
      return records.flatMap(({ type, value }) => {
        const reader = known.get(type);
        return reader ? [{ type: type.toString(), fields: reader(value) }] : [];
      });
    };
    if (!valid) return expect(read).toThrow(DecodeError);
    if (values) expect(read()).toEqual(values.map((v) => ({ type: v.type, fields: Object.values(v.fields) })));
    return expect(toHex(encodeTlvStream(decodeTlvStream(fromHex(stream))))).toBe(stream);
  });
  it('reads back random streams', () => {
    const stream = fc.uniqueArray(fc.record({ type: u64, value: fc.uint8Array({ maxLength: 300 }) }), {
      selector: (record) => record.type,
    });
    fc.assert(
      fc.property(stream, (records) => {
        const sorted = records.sort((a, b) => (a.type < b.type ? -1 : 1));
        expect(decodeTlvStream(encodeTlvStream(sorted))).toEqual(sorted);
      }),
    );
  });
  it('throws nothing but DecodeError on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          expect(toHex(encodeTlvStream(decodeTlvStream(bytes)))).toBe(toHex(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  });
  it('writes no stream that is out of order', () => {
    const value = new Uint8Array(0);
    expect(() =>
      encodeTlvStream([
        { type: 2n, value },
        { type: 1n, value },
      ]),
    ).toThrow(RangeError);
    expect(() =>
      encodeTlvStream([
        { type: 1n, value },
        { type: 1n, value },
      ]),
    ).toThrow(RangeError);
  });
});

describe('truncated integers', () => {
  it('reads back what it wrote, in the fewest bytes', () => {
    fc.assert(
      fc.property(u64, (n) => {
        const bytes = encodeTruncated(n, 8);
        expect(bytes.length).toBe(n === 0n ? 0 : Math.ceil(n.toString(16).length / 2));
        expect(decodeTruncated(bytes, 8)).toBe(n);
      }),
    );
  });
  test.each(['00', '0001', '010000000000000000'])('refuses %s', (hex) => {
    expect(() => decodeTruncated(fromHex(hex), 8)).toThrow(DecodeError);
  });
});

describe('features', () => {
  it('reads back what it wrote', () => {
    const bits = fc.uniqueArray(fc.nat({ max: 800 })).map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(bits, (list) => {
        expect(decodeFeatures(encodeFeatures(list))).toEqual(list);
      }),
    );
  });
  it('finds a feature in both its forms', () => {
    expect(toHex(encodeFeatures([0, 8]))).toBe('0101');
    expect([hasFeature([729], 728), hasFeature([728], 728), hasFeature([727, 730], 728)]).toEqual([true, true, false]);
  });
});

describe('custom messages', () => {
  it('carries its type in front', () => {
    const bytes = encodeCustomMessage({ type: 37_913, payload: Uint8Array.of(1, 2) });
    expect(toHex(bytes)).toBe('94190102');
    expect(decodeCustomMessage(bytes)).toEqual({ type: 37_913, payload: Uint8Array.of(1, 2) });
  });
  it('has limits', () => {
    expect(() => encodeCustomMessage({ type: 17, payload: new Uint8Array(0) })).toThrow(RangeError);
    expect(() => encodeCustomMessage({ type: 37_913, payload: new Uint8Array(PAYLOAD_BYTES_MAX + 1) })).toThrow(
      RangeError,
    );
    expect(() => decodeCustomMessage(Uint8Array.of(0x94))).toThrow(DecodeError);
    expect(() => decodeCustomMessage(fromHex('001000000000'))).toThrow(DecodeError);
    expect(() => decodeCustomMessage(new Uint8Array(65_536).fill(0x94))).toThrow(DecodeError);
  });
});
