import { DecodeError } from './errors.ts';

// Hermes has no TextDecoder that can be strict, and bLIP-50 asks for valid UTF-8: these few lines run everywhere.

/** UTF-8 bytes of a text. Lone surrogates have no UTF-8. @throws RangeError on them. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point >= 0xd800 && point <= 0xdfff) throw new RangeError('a lone surrogate has no UTF-8');
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), tail(point));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), tail(point >> 6), tail(point));
    else bytes.push(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point));
  }
  return Uint8Array.from(bytes);
}

const tail = (bits: number) => 0x80 | (bits & 0x3f);

/** For a first byte: how many follow, the bits it carries, and the least code point of that length (RFC 3629). */
function lead(byte: number): readonly [follow: number, bits: number, least: number] | undefined {
  if (byte < 0x80) return [0, byte, 0];
  if (byte >= 0xc2 && byte < 0xe0) return [1, byte & 0x1f, 0x80];
  if (byte >= 0xe0 && byte < 0xf0) return [2, byte & 0x0f, 0x800];
  if (byte >= 0xf0 && byte < 0xf5) return [3, byte & 0x07, 0x10000];
  return undefined;
}

/** The text of strict UTF-8: no overlong forms, no surrogates, nothing cut off. @throws {@link DecodeError} */
export function decodeUtf8(bytes: Uint8Array, path = ''): string {
  const pieces: string[] = [];
  for (let i = 0; i < bytes.length; ) {
    const first = lead(bytes[i] ?? 0);
    if (!first) throw new DecodeError(path, `not UTF-8 at byte ${i}`);
    let [follow, point, least] = first;
    for (let next = i + 1; next <= i + follow; next++) {
      const byte = bytes[next] ?? 0;
      if ((byte & 0xc0) !== 0x80) throw new DecodeError(path, `not UTF-8 at byte ${next}`);
      point = (point << 6) | (byte & 0x3f);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      throw new DecodeError(path, `not UTF-8 at byte ${i}`);
    }
    pieces.push(String.fromCodePoint(point));
    i += 1 + follow;
  }
  return pieces.join('');
}
