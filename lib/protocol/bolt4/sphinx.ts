import { chacha20 } from '@noble/ciphers/chacha.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import * as secp from '@noble/secp256k1';
import { concat, equalBytes, toHex, toUint } from '../../core/bytes.ts';
import { encodeUtf8 } from '../../core/utf8.ts';
import { decodeBigSize } from '../bolt1/bigSize.ts';

// The receiving side of BOLT 4 "Onion Decryption": data in, data out.

const ONION_BYTES = 1_366;
const POINT_BYTES = 33;
const HMAC_BYTES = 32;
const HOP_PAYLOADS_BYTES = 1_300;
const NONCE = new Uint8Array(12);
const ORDER = secp.Point.CURVE().n;

/** BOLT 4's keys of a hop: `rho` for the onion, `mu` for its HMAC; `um` and `ammag` for a failure on its way back. */
export type KeyType = 'rho' | 'mu' | 'um' | 'ammag';

export const keyOf = (type: KeyType, sharedSecret: Uint8Array): Uint8Array =>
  hmac(sha256, encodeUtf8(type), sharedSecret);

/** So many bytes of the stream that a key makes. */
export const streamOf = (key: Uint8Array, length: number): Uint8Array => chacha20(key, NONCE, new Uint8Array(length));

export const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ (b[i] ?? 0));

export type Peeled =
  | {
      readonly ok: true;
      /** This hop's TLV stream, its length taken off. */
      readonly payload: Uint8Array;
      readonly sharedSecret: Uint8Array;
      /** What the next hop gets; undefined: the payment is for us. */
      readonly next: Uint8Array | undefined;
    }
  /** BOLT 4's `BADONION` failures. */
  | { readonly ok: false; readonly failure: 'invalid_onion_version' | 'invalid_onion_hmac' | 'invalid_onion_key' }
  /** Its HMAC is right, and its payload nonsense. */
  | { readonly ok: false; readonly failure: 'invalid_onion_payload'; readonly sharedSecret: Uint8Array };

/** Takes one layer off. `key`: the private key of the hop; `associatedData`: the payment hash. */
export function peel(onion: Uint8Array, o: { readonly key: Uint8Array; readonly associatedData: Uint8Array }): Peeled {
  if (onion.length !== ONION_BYTES || onion[0] !== 0) return { ok: false, failure: 'invalid_onion_version' };
  const ephemeral = onion.slice(1, 1 + POINT_BYTES);
  const sharedSecret = secretWith(o.key, ephemeral);
  if (!sharedSecret) return { ok: false, failure: 'invalid_onion_key' };
  const payloads = onion.slice(1 + POINT_BYTES, 1 + POINT_BYTES + HOP_PAYLOADS_BYTES);
  const mac = hmac(sha256, keyOf('mu', sharedSecret), concat(payloads, o.associatedData));
  if (!equalBytes(mac, onion.subarray(-HMAC_BYTES))) return { ok: false, failure: 'invalid_onion_hmac' };
  // Twice as long: the shift leaves room for the filler of the next hop.
  const stream = streamOf(keyOf('rho', sharedSecret), 2 * HOP_PAYLOADS_BYTES);
  const plain = xor(concat(payloads, new Uint8Array(HOP_PAYLOADS_BYTES)), stream);
  const span = spanOf(plain);
  if (!span) return { ok: false, failure: 'invalid_onion_payload', sharedSecret };
  const nextMac = plain.subarray(span.end, span.end + HMAC_BYTES);
  const isFinal = nextMac.every((byte) => byte === 0);
  const rest = plain.subarray(span.end + HMAC_BYTES, span.end + HMAC_BYTES + HOP_PAYLOADS_BYTES);
  const next = isFinal ? undefined : concat(Uint8Array.of(0), blinded(ephemeral, sharedSecret), rest, nextMac);
  return { ok: true, payload: plain.slice(span.start, span.end), sharedSecret, next };
}

/** Where the payload stands; nothing when it does not fit, or is of the legacy form. */
function spanOf(plain: Uint8Array): { readonly start: number; readonly end: number } | undefined {
  try {
    const { value, end: start } = decodeBigSize(plain);
    const end = start + Number(value);
    return value > 1n && end + HMAC_BYTES <= HOP_PAYLOADS_BYTES ? { start, end } : undefined;
  } catch {
    return undefined;
  }
}

/** SHA-256 of the compressed point; undefined when the other key is none. */
function secretWith(key: Uint8Array, theirs: Uint8Array): Uint8Array | undefined {
  try {
    return sha256(secp.getSharedSecret(key, theirs, true));
  } catch {
    return undefined;
  }
}

function blinded(ephemeral: Uint8Array, sharedSecret: Uint8Array): Uint8Array {
  const factor = toUint(sha256(concat(ephemeral, sharedSecret))) % ORDER;
  return secp.Point.fromHex(toHex(ephemeral)).multiply(factor).toBytes(true);
}
