import type { Msat } from '../../core/amount.ts';
import type { PaymentHash } from '../../core/ids.ts';
import { DecodeError } from '../../core/errors.ts';
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
  readonly paymentHash: PaymentHash;
  readonly description: string | undefined;
  /** The same with another amount (undefined: the payer chooses), another description and a longer expiry, like `text`: for a node's own books. */
  textWith(change: {
    readonly amount: Msat | undefined;
    readonly description?: string;
    readonly longerBySeconds?: number;
  }): string;
}

/** Returns 65 bytes: r, s, recovery id. Or a signed invoice that says the same: some nodes put the fields into an order of their own. */
export type InvoiceSigner = (invoice: UnsignedInvoice) => Promise<Uint8Array | string> | Uint8Array | string;

const SIGNATURE_BYTES = 65;
const NO_SIGNATURE = new Uint8Array(SIGNATURE_BYTES);
const described = (description: string) => ({ description, descriptionHash: undefined });

/**
 * Builds and signs a BOLT 11 invoice, and reads it back: what is returned was verified as a payer would.
 * @throws RangeError on a bad field, DecodeError when the signer's signature is not valid.
 */
export async function signInvoice(terms: InvoiceTerms, signer: InvoiceSigner): Promise<Invoice> {
  const encoded = encodeTerms(terms);
  const finish = (signature: Uint8Array, { prefix, words } = encoded) =>
    encodeBech32({ prefix, words: [...words, ...toWords(signature)] });
  const message = signedMessage(encoded);
  const signature = await signer({
    message,
    hash: hashMessage(message),
    text: finish(NO_SIGNATURE),
    paymentHash: terms.paymentHash,
    description: terms.description,
    textWith({ amount, description, longerBySeconds = 0 }) {
      const expirySeconds = terms.expirySeconds + longerBySeconds;
      const words = description === undefined ? {} : described(description);
      return finish(NO_SIGNATURE, encodeTerms({ ...terms, amount, expirySeconds, ...words }));
    },
  });
  if (typeof signature === 'string') return sameAs(terms, signature);
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError(`a signature of ${signature.length} bytes, not 65`);
  return decodeInvoice(finish(signature));
}

/** @throws DecodeError when the signer's invoice is another one. */
function sameAs(terms: InvoiceTerms, text: string): Invoice {
  const invoice = decodeInvoice(text);
  for (const [name, value] of Object.entries(terms))
    if (comparable(invoice[name as keyof InvoiceTerms]) !== comparable(value))
      throw new DecodeError(name, 'the signer made another invoice of it');
  return invoice;
}

const comparable = (value: unknown): string =>
  String(JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}` : sorted(each))));

/** The members of an object, in one order. */
const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    : value;

/** A signer out of a raw private key of 32 bytes. */
export const rawKey =
  (key: Uint8Array): InvoiceSigner =>
  ({ hash }) =>
    signHash(hash, key);
