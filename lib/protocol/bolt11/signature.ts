import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import * as secp from '@noble/secp256k1';
import { concat, toHex } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { type NodeId, nodeId } from '../../core/ids.ts';
import { encodeUtf8 } from '../../core/utf8.ts';
import { type Bech32, padToBytes } from './words.ts';

// @noble/secp256k1 leaves the hash to its user, so that it has no dependency.
secp.hashes.sha256 = sha256;
secp.hashes.hmacSha256 = (key, message) => hmac(sha256, key, message);

const COMPACT_BYTES = 64;

/** What a BOLT 11 signature covers: the human-readable part, then the data with zero bits up to a whole byte. */
export const signedMessage = ({ prefix, words }: Bech32): Uint8Array => concat(encodeUtf8(prefix), padToBytes(words));

export const hashMessage = (message: Uint8Array): Uint8Array => sha256(message);

/** r, s and the recovery id, as BOLT 11 orders them: 65 bytes. */
export function signHash(hash: Uint8Array, key: Uint8Array): Uint8Array {
  const recovered = secp.sign(hash, key, { prehash: false, format: 'recovered' });
  return concat(recovered.subarray(1), recovered.subarray(0, 1));
}

/** The public key of a raw private key. @throws when it is not a valid key. */
export const publicKey = (key: Uint8Array): NodeId => nodeId(toHex(secp.getPublicKey(key, true)));

/** Whose signature this is: the `n` field if there is one, else recovered. @throws {@link DecodeError} */
export function payeeOf(hash: Uint8Array, signature: Uint8Array, n: Uint8Array | undefined): NodeId {
  const compact = signature.subarray(0, COMPACT_BYTES);
  try {
    if (n) {
      if (!secp.verify(compact, hash, n, { prehash: false })) throw new Error('not the signature of the payee');
      return nodeId(toHex(n));
    }
    const recovered = concat(signature.subarray(COMPACT_BYTES), compact);
    return nodeId(toHex(secp.recoverPublicKey(recovered, hash, { prehash: false })));
  } catch (cause) {
    throw new DecodeError('signature', 'is not valid', { cause });
  }
}
