import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromUint } from '../../core/bytes.ts';
import { keyOf, streamOf, xor } from './sphinx.ts';

/** What the last hop answers a payment with that it does not take (BOLT 4 "Failure Messages"). */
export type FinalFailure =
  | { readonly name: 'incorrect_or_unknown_payment_details'; readonly amountMsat: bigint; readonly height: number }
  | { readonly name: 'final_incorrect_cltv_expiry'; readonly cltvExpiry: number }
  | { readonly name: 'mpp_timeout' }
  | { readonly name: 'invalid_onion_payload' };

const PERM = 0x4000;
const CODE = {
  incorrect_or_unknown_payment_details: PERM | 15,
  final_incorrect_cltv_expiry: 18,
  mpp_timeout: 23,
  invalid_onion_payload: PERM | 22,
} as const;

/** The failure message: `failure_code`, then its data. */
export function encodeFailure(failure: FinalFailure): Uint8Array {
  const code = fromUint(BigInt(CODE[failure.name]), 2);
  if (failure.name === 'incorrect_or_unknown_payment_details')
    return concat(code, fromUint(failure.amountMsat, 8), fromUint(BigInt(failure.height), 4));
  if (failure.name === 'final_incorrect_cltv_expiry') return concat(code, fromUint(BigInt(failure.cltvExpiry), 4));
  // Which TLV was wrong is not told: type 0, offset 0.
  if (failure.name === 'invalid_onion_payload') return concat(code, Uint8Array.of(0, 0, 0));
  return code;
}

/** Message and padding together have at least so many bytes. */
const PADDED_BYTES = 256;

/** The packet of the hop that failed, for the hop before it (BOLT 4 "Returning Errors"): 292 bytes. */
export function failurePacket(sharedSecret: Uint8Array, message: Uint8Array): Uint8Array {
  const pad = new Uint8Array(Math.max(0, PADDED_BYTES - message.length));
  const length = (bytes: Uint8Array) => fromUint(BigInt(bytes.length), 2);
  const content = concat(length(message), message, length(pad), pad);
  const packet = concat(hmac(sha256, keyOf('um', sharedSecret), content), content);
  return xor(packet, streamOf(keyOf('ammag', sharedSecret), packet.length));
}
