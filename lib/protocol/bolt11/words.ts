import { bech32 } from '@scure/base';
import { DecodeError } from '../../core/errors.ts';

// BOLT 11 counts in 5-bit words.

const WORD_BITS = 5;
export const TIMESTAMP_WORDS = 7;
/** r, s and recovery id: 65 bytes. */
export const SIGNATURE_WORDS = 104;
export const FIELD_WORDS_MAX = 1023;

/** Bytes as words, zero bits added to fill the last one. */
export const toWords = (bytes: Uint8Array): readonly number[] => bech32.toWords(bytes);

/** Words as whole bytes; the bits that are left over must be zero and fewer than a word. @throws {@link DecodeError} */
export function fromWords(words: readonly number[]): Uint8Array {
  try {
    return bech32.fromWords([...words]);
  } catch (cause) {
    throw new DecodeError('', 'a field with bits left over', { cause });
  }
}

/** An unsigned integer in the fewest words, at least `length` of them. */
export function intToWords(value: number, length: number): readonly number[] {
  const words: number[] = [];
  for (let rest = value; rest > 0 || words.length < length; rest = Math.floor(rest / 32)) words.unshift(rest % 32);
  return words;
}

/** The unsigned integer that words stand for; beyond 2^53 not exact. */
export const wordsToUint = (words: readonly number[]): number => words.reduce((value, word) => value * 32 + word, 0);

/** Words as bytes, zero bits added to fill the last one: what the signature covers. */
export function padToBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((words.length * WORD_BITS) / 8));
  words.forEach((word, index) => {
    const at = index * WORD_BITS;
    const shifted = word << (16 - WORD_BITS - (at % 8));
    const byte = Math.floor(at / 8);
    bytes[byte] = (bytes[byte] ?? 0) | (shifted >> 8);
    if (byte + 1 < bytes.length) bytes[byte + 1] = (bytes[byte + 1] ?? 0) | (shifted & 0xff);
  });
  return bytes;
}

/** The feature bits of a `9` field: the last word holds bits 0 to 4. */
export function wordsToBits(words: readonly number[]): readonly number[] {
  const bits: number[] = [];
  [...words].reverse().forEach((word, index) => {
    for (let bit = 0; bit < WORD_BITS; bit++) if (word & (1 << bit)) bits.push(index * WORD_BITS + bit);
  });
  return bits;
}

export function bitsToWords(bits: readonly number[]): readonly number[] {
  const words = Array<number>(bits.length === 0 ? 0 : Math.floor(Math.max(...bits) / WORD_BITS) + 1).fill(0);
  for (const bit of bits) {
    const index = words.length - 1 - Math.floor(bit / WORD_BITS);
    words[index] = (words[index] ?? 0) | (1 << (bit % WORD_BITS));
  }
  return words;
}

/** What fits a QR code; reading much longer ones would be slow work for a stranger. */
const INVOICE_CHARACTERS_MAX = 7089;

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** The word that a bech32 character stands for. */
export const wordOf = (letter: string): number => ALPHABET.indexOf(letter);
/** The field tag of BOLT 11 that a word stands for. */
export const letterOf = (word: number): string => ALPHABET[word] ?? '';

export interface Bech32 {
  readonly prefix: string;
  readonly words: readonly number[];
}

/** @throws {@link DecodeError} when it is not bech32: checksum, mixed case, characters. */
export function decodeBech32(text: string): Bech32 {
  if (text.length > INVOICE_CHARACTERS_MAX) throw new DecodeError('', 'too long for an invoice');
  try {
    return bech32.decode(text as `${string}1${string}`, false);
  } catch (cause) {
    throw new DecodeError('', 'not an invoice: its bech32 encoding or checksum is wrong', { cause });
  }
}

export const encodeBech32 = ({ prefix, words }: Bech32): string => bech32.encode(prefix, [...words], false);
