import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, toHex } from '../../core/bytes.ts';
import { type PaymentHash, paymentHash } from '../../core/ids.ts';

/** The payment hash of a preimage in hex. @throws DecodeError when it is not hex. */
export const hashOf = (preimage: string): PaymentHash =>
  paymentHash(toHex(sha256(fromHex(preimage.toLowerCase(), 'preimage'))));
