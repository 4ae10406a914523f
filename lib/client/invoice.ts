import type { Msat } from '../core/amount.ts';
import { fromHex } from '../core/bytes.ts';
import { InvariantError, NodeError } from '../core/errors.ts';
import { type PaymentHash, type PeerUri, paymentHash } from '../core/ids.ts';
import { encodeUtf8 } from '../core/utf8.ts';
import type { BoughtFor, WalletNode } from '../ports/walletNode.ts';
import { FEATURE } from '../protocol/bolt1/features.ts';
import { DESCRIPTION_BYTES_MAX } from '../protocol/bolt11/encode.ts';
import type { Invoice, RouteHop } from '../protocol/bolt11/invoice.ts';
import { signInvoice } from '../protocol/bolt11/sign.ts';
import type { Bought } from '../protocol/lsps2/messages.ts';
import { hashOf } from '../protocol/bolt11/preimage.ts';
import { TermsError } from './terms.ts';

/** What the caller may say of an invoice. */
export interface InvoiceFields {
  /** Shown to the payer; at most 639 bytes of UTF-8. Exactly one of this and `descriptionHash`. */
  readonly description?: string;
  /** SHA-256 of a longer description, 64 hex characters. */
  readonly descriptionHash?: string;
  /** Cut short where the LSP's offer ends sooner. Default 3600. */
  readonly expirySeconds?: number;
  /**
   * A hold invoice: the hash of a preimage that you keep until `Purchase.settle`. A PolicyError where the LSP demands the
   * preimage at once (client-trusts-LSP).
   */
  readonly paymentHash?: string;
  /** Your own preimage instead of the node's, 64 hex characters; it is kept in the store until the purchase is forgotten. */
  readonly preimage?: string;
}

const DEFAULT_INVOICE_EXPIRY_SECONDS = 3600;
/** An invoice ends this long before the LSP's offer, so that a payment sent in its last second still arrives in time. */
const EXPIRY_MARGIN_SECONDS = 10;
/** bLIP-52 section 3: `c` is at least 2 above the node's own, for blocks that come while the channel opens. */
const FINAL_CLTV_EXTRA_BLOCKS = 2;
/** What LDK demands, the most of the three implementations: an invoice does not tell which node is behind it. */
const FINAL_CLTV_LEAST_BLOCKS = 24;
const HASH_HEX = 64;

/** @throws RangeError on what no invoice can be made of: before anything is bought. */
export function checkFields(fields: InvoiceFields): { readonly hash: PaymentHash | undefined } {
  const { description, descriptionHash, expirySeconds, preimage } = fields;
  if ((description === undefined) === (descriptionHash === undefined))
    throw new RangeError('an invoice has either a description or a descriptionHash');
  const bytes = encodeUtf8(description ?? '').length;
  if (bytes > DESCRIPTION_BYTES_MAX)
    throw new RangeError(`description: ${bytes} bytes, more than the ${DESCRIPTION_BYTES_MAX} that an invoice takes`);
  for (const name of ['descriptionHash', 'paymentHash', 'preimage'] as const) {
    const value = fields[name];
    if (value !== undefined && (value.length !== HASH_HEX || fromHex(value, name).length * 2 !== HASH_HEX))
      throw new RangeError(`${name}: not ${HASH_HEX} hex characters`);
  }
  if (expirySeconds !== undefined && !(Number.isSafeInteger(expirySeconds) && expirySeconds > 0))
    throw new RangeError(`expirySeconds: ${expirySeconds} is not a whole number above 0`);
  const given = fields.paymentHash?.toLowerCase();
  const own = preimage === undefined ? given : hashOf(preimage);
  if (given !== undefined && given !== own) throw new RangeError('preimage: not that of the paymentHash');
  return { hash: own === undefined ? undefined : paymentHash(own) };
}

/** What an invoice is made for. */
export interface InvoiceFor {
  /** Undefined: the payer decides. */
  readonly amount: Msat | undefined;
  readonly hash: PaymentHash | undefined;
  readonly fields: InvoiceFields;
  readonly routeHints: readonly (readonly RouteHop[])[];
  /** Confirmations that a channel may have to wait for, in blocks. */
  readonly waitBlocks: number;
  /** Whether it may come in parts. */
  readonly parts: boolean;
  /** Unix seconds; undefined: whenever the fields say. */
  readonly endsBy: number | undefined;
  readonly now: number;
  readonly bought?: BoughtFor;
}

/** The hint that leads to a JIT channel: one hop, without routing fees (bLIP-52 section 3). */
export const jitHint = (lsp: PeerUri, { scid, lspCltvExpiryDelta }: Bought): RouteHop => ({
  nodeId: lsp.nodeId,
  scid,
  feeBaseMsat: 0,
  feeProportionalPpm: 0,
  cltvExpiryDelta: lspCltvExpiryDelta,
});

/** What leads to the node leads on to its phantom, where it has one. */
const onToPhantom = (
  { nodeId, phantom }: WalletNode,
  hints: InvoiceFor['routeHints'],
): readonly (readonly RouteHop[])[] => {
  if (!phantom) return hints;
  // Without any hint the node itself is known, and the phantom never is.
  return (hints.length > 0 ? hints : [[]]).map((hint) => [...hint, { nodeId, ...phantom.hop }]);
};

/** The invoice of bLIP-52 section 3, signed by the node. @throws TermsError, NodeError */
export async function buildInvoice(node: WalletNode, o: InvoiceFor): Promise<Invoice> {
  const { amount, fields, now, endsBy } = o;
  const { expirySeconds: wished = DEFAULT_INVOICE_EXPIRY_SECONDS } = fields;
  const expirySeconds = endsBy === undefined ? wished : Math.min(wished, endsBy - EXPIRY_MARGIN_SECONDS - now);
  if (expirySeconds <= 0) throw new TermsError('expired', 'the offer ended before an invoice could be made');
  const { paymentHash: hash, paymentSecret } = await node.newPayment({
    amount,
    paymentHash: o.hash,
    expirySeconds,
    minFinalCltvExpiryDelta: node.minFinalCltvExpiryDelta,
    bought: o.bought,
  });
  if (o.hash !== undefined && hash !== o.hash) throw new NodeError('the node made a payment for another hash');
  try {
    return await signedInvoice(node, { ...o, hash, paymentSecret, expirySeconds });
  } catch (cause) {
    await takeBack(node, hash);
    throw cause;
  }
}

/** Of a payment that nobody was asked for the node may forget what it was told; that it cannot is not what went wrong. */
export async function takeBack(node: WalletNode, hash: PaymentHash): Promise<void> {
  await node.withdraw?.(hash).catch(() => undefined);
}

async function signedInvoice(
  node: WalletNode,
  o: InvoiceFor & { readonly hash: PaymentHash; readonly paymentSecret: string; readonly expirySeconds: number },
): Promise<Invoice> {
  const { amount, fields, now, endsBy, hash, paymentSecret, expirySeconds } = o;
  const least = Math.max(node.minFinalCltvExpiryDelta, FINAL_CLTV_LEAST_BLOCKS);
  const invoice = await signInvoice(
    {
      network: node.network,
      amount,
      timestamp: now,
      paymentHash: hash,
      paymentSecret,
      description: fields.description,
      descriptionHash: fields.descriptionHash,
      expirySeconds,
      minFinalCltvExpiryDelta: least + FINAL_CLTV_EXTRA_BLOCKS + o.waitBlocks,
      routeHints: onToPhantom(node, o.routeHints),
      features: [FEATURE.varOnionOptin, FEATURE.paymentSecret, ...(o.parts ? [FEATURE.basicMpp + 1] : [])],
    },
    (unsigned) => node.sign(unsigned),
  );
  if (invoice.payee !== (node.phantom?.nodeId ?? node.nodeId))
    throw new NodeError('the node signed the invoice with another key than its own');
  if (endsBy !== undefined && invoice.timestamp + invoice.expirySeconds > endsBy)
    throw new InvariantError('the invoice outlives the offer');
  return invoice;
}
