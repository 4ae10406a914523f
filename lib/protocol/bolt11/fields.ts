import { toHex, toUint } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { nodeId } from '../../core/ids.ts';
import { scid } from '../../core/scid.ts';
import { decodeUtf8 } from '../../core/utf8.ts';
import type { RouteHop } from './invoice.ts';
import { fromWords, letterOf, wordsToUint } from './words.ts';

/** A tagged field: its letter, and its words. */
interface Field {
  readonly tag: string;
  readonly words: readonly number[];
}

/** The fields of BOLT 11 that we read; a reader must skip others. */
const READ = new Set('pshdnxcr9m');
/** 5-bit words of the fields whose length is fixed; a reader must skip those of another length. */
const FIXED_WORDS: Readonly<Record<string, number>> = { p: 52, h: 52, s: 52, n: 53 };
const MAY_REPEAT = 'r';
/** One hop of an `r` field: node id, scid, two fees, delta. */
const HOP_BYTES = 51;

/** The tagged fields of an invoice, in our words. */
export interface Fields {
  words(tag: string): readonly number[] | undefined;
  /** @throws {@link DecodeError} on bits left over */
  hex(tag: string): string | undefined;
  /** @throws {@link DecodeError} on what is no UTF-8 */
  text(tag: string, name: string): string | undefined;
  /** @throws {@link DecodeError} from 2^53 on */
  number(tag: string, name: string): number | undefined;
  hints(): readonly (readonly RouteHop[])[];
}

/** Takes the words between timestamp and signature apart. @throws {@link DecodeError} */
export function readFields(words: readonly number[]): Fields {
  const fields = fieldsOf(words).filter(
    ({ tag, words: own }) => READ.has(tag) && own.length === (FIXED_WORDS[tag] ?? own.length),
  );
  checkRepeats(fields);
  const of = (tag: string) => fields.find((field) => field.tag === tag)?.words;
  return {
    words: of,
    hex(tag) {
      const own = of(tag);
      return own && toHex(fromWords(own));
    },
    text(tag, name) {
      const own = of(tag);
      return own && decodeUtf8(fromWords(own), name);
    },
    number(tag, name) {
      const own = of(tag);
      const value = own && wordsToUint(own);
      if (value !== undefined && !Number.isSafeInteger(value))
        throw new DecodeError(name, 'is not a whole number below 2^53');
      return value;
    },
    hints: () => fields.filter(({ tag }) => tag === MAY_REPEAT).map((field) => hopsOf(fromWords(field.words))),
  };
}

function fieldsOf(words: readonly number[]): readonly Field[] {
  const fields: Field[] = [];
  for (let offset = 0; offset < words.length; ) {
    const [tag = 0, high = 0, low = 0] = words.slice(offset, offset + 3);
    const end = offset + 3 + high * 32 + low;
    if (end > words.length) throw new DecodeError('', `the field ${letterOf(tag)} is cut off`);
    fields.push({ tag: letterOf(tag), words: words.slice(offset + 3, end) });
    offset = end;
  }
  return fields;
}

/** What stands twice two readers may read differently, so neither is believed. */
function checkRepeats(fields: readonly Field[]): void {
  const seen = new Set<string>();
  for (const { tag } of fields) {
    if (seen.has(tag) && tag !== MAY_REPEAT) throw new DecodeError('', `the field ${tag} stands twice`);
    seen.add(tag);
  }
}

function hopsOf(bytes: Uint8Array): readonly RouteHop[] {
  if (bytes.length === 0 || bytes.length % HOP_BYTES !== 0)
    throw new DecodeError('route_hint', 'is not made of whole hops');
  return Array.from({ length: bytes.length / HOP_BYTES }, (_, index) => {
    const hop = bytes.subarray(index * HOP_BYTES, (index + 1) * HOP_BYTES);
    return {
      nodeId: nodeId(toHex(hop.subarray(0, 33)), 'route_hint'),
      scid: scid(toUint(hop.subarray(33, 41))),
      feeBaseMsat: Number(toUint(hop.subarray(41, 45))),
      feeProportionalPpm: Number(toUint(hop.subarray(45, 49))),
      cltvExpiryDelta: Number(toUint(hop.subarray(49))),
    };
  });
}
