import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../../core/bytes.ts';
import type { PaymentHash } from '../../core/ids.ts';

// What lightningd's books ask of an invoice.

/** The one payment secret that it takes: SHA-256 of the preimage with the lowest bit of its first byte turned. */
export function invoiceSecret(preimage: Uint8Array): string {
  const turned = preimage.slice();
  turned[0] = (turned[0] ?? 0) ^ 1;
  return toHex(sha256(turned));
}

/** What an invoice of ours is called there. */
export const labelOf = (hash: PaymentHash): string => `lsps2-${hash}`;
