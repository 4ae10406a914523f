import { decodeInvoice } from './decode.ts';
import { encodeTerms } from './encode.ts';
import type { Invoice, InvoiceTerms } from './invoice.ts';
import { hashMessage, signedMessage, signHash } from './signature.ts';
import { encodeBech32, toWords } from './words.ts';

/** An invoice before it is signed, in each form that some node or HSM asks for. */
export interface UnsignedInvoice {
  /** The bytes that are hashed and signed: human-readable part, then padded data. */
  readonly message: Uint8Array;
  /** SHA-256 of `message`. */
  readonly hash: Uint8Array;
  /** The invoice with a signature of 65 zero bytes and a valid checksum. */
  readonly text: string;
}

/** Returns 65 bytes: r, s, recovery id. */
export type InvoiceSigner = (invoice: UnsignedInvoice) => Promise<Uint8Array> | Uint8Array;

const SIGNATURE_BYTES = 65;

/**
 * Builds and signs a BOLT 11 invoice, and reads it back: what is returned was verified as a payer would.
 * @throws RangeError on a bad field, DecodeError when the signer's signature is not valid.
 */
export async function signInvoice(terms: InvoiceTerms, signer: InvoiceSigner): Promise<Invoice> {
  const { prefix, words } = encodeTerms(terms);
  const finish = (signature: Uint8Array) => encodeBech32({ prefix, words: [...words, ...toWords(signature)] });
  const message = signedMessage({ prefix, words });
  const signature = await signer({
    message,
    hash: hashMessage(message),
    text: finish(new Uint8Array(SIGNATURE_BYTES)),
  });
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError(`a signature of ${signature.length} bytes, not 65`);
  return decodeInvoice(finish(signature));
}

/** A signer out of a raw private key of 32 bytes. */
export const rawKey =
  (key: Uint8Array): InvoiceSigner =>
  ({ hash }) =>
    signHash(hash, key);
