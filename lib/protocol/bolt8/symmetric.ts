import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat } from '../../core/bytes.ts';

// The primitives that BOLT 8 names, as it names them.

export const KEY_BYTES = 32;
export const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const NONCE_COUNTER_OFFSET = 4;

/** 32 zero bits, then the counter as a little-endian u64. Counters here stay far below 2^32. */
function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  new DataView(nonce.buffer).setUint32(NONCE_COUNTER_OFFSET, counter, true);
  return nonce;
}

/** `encryptWithAD`: ciphertext and tag. */
export const encrypt = (key: Uint8Array, counter: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array =>
  chacha20poly1305(key, nonceOf(counter), ad).encrypt(plaintext);

/** `decryptWithAD`. @throws when the tag is not right. */
export const decrypt = (key: Uint8Array, counter: number, ad: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
  chacha20poly1305(key, nonceOf(counter), ad).decrypt(ciphertext);

/** `HKDF(salt, ikm)`: two keys. */
export function hkdf(salt: Uint8Array, ikm: Uint8Array): readonly [first: Uint8Array, second: Uint8Array] {
  const both = expand(sha256, extract(sha256, ikm, salt), undefined, 2 * KEY_BYTES);
  return [both.slice(0, KEY_BYTES), both.slice(KEY_BYTES)];
}

/** The handshake digest `h` goes on with more. */
export const mix = (digest: Uint8Array, more: Uint8Array): Uint8Array => sha256(concat(digest, more));
