import { decode } from 'light-bolt11-decoder';
import { DecodeError } from '../../core/errors.ts';
import { decodeUtf8 } from '../../core/utf8.ts';
import {
  type Bech32,
  encodeBech32,
  fromWords,
  letterOf,
  SIGNATURE_WORDS,
  TIMESTAMP_WORDS,
  WORD_BITS,
} from './words.ts';

// The one file that knows light-bolt11-decoder. It takes an invoice apart; it verifies no signature, so what comes out
// of here is unproven until decode.ts has done that.

/** One tagged field: its words, and its value in the form that fits it. */
export interface Field {
  readonly tag: string;
  readonly words: readonly number[];
  readonly hex?: string;
  readonly text?: string;
  readonly number?: number;
  readonly hops?: readonly RawHop[];
}

export interface RawHop {
  readonly pubkey: string;
  readonly short_channel_id: string;
  readonly fee_base_msat: number;
  readonly fee_proportional_millionths: number;
  readonly cltv_expiry_delta: number;
}

export interface RawInvoice {
  /** Prefix of the network, as `bcrt`. */
  readonly prefix: string;
  readonly amountMsat: bigint | undefined;
  readonly timestamp: number;
  /** 65 bytes as hex. */
  readonly signature: string;
  readonly fields: readonly Field[];
}

/** A section as the decoder really returns it; its typings lack several. */
interface Section {
  readonly name: string;
  readonly tag?: string;
  readonly letters?: string;
  readonly value?: unknown;
}

/** The fields of BOLT 11 that we read. The decoder never sees others: it throws on some that must be skipped. */
const READ = new Set('pshdnxcr9m');
/** Its text decoder replaces what is no UTF-8, and Hermes has none: a description is read by us. */
const READ_BY_US = 'd';
/** 5-bit words of the fields whose length is fixed; a reader must skip those of another length. */
const FIXED_WORDS: Readonly<Record<string, number>> = { p: 52, h: 52, s: 52, n: 53 };
const MAY_REPEAT = 'r';
/** One hop of an `r` field: node id, scid, two fees, delta. */
const HOP_BYTES = 51;

/** @throws {@link DecodeError} */
export function readFields(invoice: Bech32): RawInvoice {
  const chunks = chunksOf(invoice.words.slice(TIMESTAMP_WORDS, -SIGNATURE_WORDS)).filter(isRead);
  checkRepeats(chunks);
  const sections = sectionsOf({
    prefix: invoice.prefix,
    words: [
      ...invoice.words.slice(0, TIMESTAMP_WORDS),
      ...chunks.flatMap((chunk) => (chunk.tag === READ_BY_US ? [] : chunk.whole)),
      ...invoice.words.slice(-SIGNATURE_WORDS),
    ],
  });
  const value = (name: string) => sections.find((section) => section.name === name)?.value;
  const amount = value('amount');
  const values = sections.filter((section) => section.tag !== undefined).map((section) => section.value);
  const fields = chunks.map(({ tag, words }) =>
    tag === READ_BY_US ? { tag, words, text: readText(words) } : toField(tag, words, values.shift()),
  );
  return {
    prefix: sections.find((section) => section.name === 'coin_network')?.letters ?? '',
    amountMsat: typeof amount === 'string' ? BigInt(amount) : undefined,
    timestamp: Number(value('timestamp')),
    signature: String(value('signature')),
    fields,
  };
}

/** A tagged field before it is read: `whole` is tag, length and words. */
interface Chunk {
  readonly tag: string;
  readonly words: readonly number[];
  readonly whole: readonly number[];
}

function chunksOf(words: readonly number[]): readonly Chunk[] {
  const chunks: Chunk[] = [];
  for (let offset = 0; offset < words.length; ) {
    const [tag = 0, high = 0, low = 0] = words.slice(offset, offset + 3);
    const end = offset + 3 + high * 32 + low;
    if (end > words.length) throw new DecodeError('', `the field ${letterOf(tag)} is cut off`);
    chunks.push({ tag: letterOf(tag), words: words.slice(offset + 3, end), whole: words.slice(offset, end) });
    offset = end;
  }
  return chunks;
}

const isRead = ({ tag, words }: Chunk) => READ.has(tag) && words.length === (FIXED_WORDS[tag] ?? words.length);

/** What stands twice two readers may read differently, so neither is believed. */
function checkRepeats(chunks: readonly Chunk[]): void {
  const seen = new Set<string>();
  for (const { tag } of chunks) {
    if (seen.has(tag) && tag !== MAY_REPEAT) throw new DecodeError('', `the field ${tag} stands twice`);
    seen.add(tag);
  }
}

function sectionsOf(invoice: Bech32): readonly Section[] {
  try {
    return decode(encodeBech32(invoice)).sections;
  } catch (cause) {
    throw new DecodeError('', 'not an invoice', { cause });
  }
}

function toField(tag: string, words: readonly number[], value: unknown): Field {
  if (typeof value === 'number') return { tag, words, number: value };
  if (typeof value === 'string') return { tag, words, hex: value };
  if (tag !== 'r' || !Array.isArray(value)) return { tag, words };
  const bytes = Math.floor((words.length * WORD_BITS) / 8);
  if (bytes === 0 || bytes % HOP_BYTES !== 0) throw new DecodeError('route_hint', 'is not made of whole hops');
  return { tag, words, hops: value };
}

const readText = (words: readonly number[]): string => decodeUtf8(fromWords(words), 'description');
