import { type Msat, msat } from '../core/amount.ts';
import { DecodeError } from '../core/errors.ts';
import { formatUri, type PeerUri, parseUri } from '../core/ids.ts';
import { encodeUtf8 } from '../core/utf8.ts';
import type { Abortable } from '../ports/abort.ts';
import type { WalletNode } from '../ports/walletNode.ts';
import { DESCRIPTION_BYTES_MAX } from '../protocol/bolt11/encode.ts';
import { parseJson } from '../protocol/lsps0/json.ts';
import { decodeOpeningFeeParams } from '../protocol/lsps2/openingFeeParams.ts';
import type { Book } from './book.ts';
import { buy, getInfo, listProtocols } from './calls.ts';
import { buildInvoice, type InvoiceFields } from './invoice.ts';
import { checkTrust, type Limits } from './limits.ts';
import { chooseQuote, feeOf, type Quote, TermsError, type Unusable } from './quote.ts';
import type { PurchaseRecord } from './record.ts';
import type { Requests } from './requests.ts';

// What the client does at an LSP: ask for its price, and buy.

export interface Work {
  readonly node: WalletNode;
  readonly limits: Limits;
  readonly token: string | undefined;
  readonly book: Book;
  readonly asked: Requests;
  /** Scids that were sold to us a moment ago and are not in the book yet. */
  readonly reserved: Set<string>;
  /** Unix seconds. */
  now(): number;
}

const LSPS2 = 2;

export async function quoteOf(
  work: Work,
  lsp: PeerUri,
  paymentSize: Msat,
  options?: Abortable,
): Promise<Quote | Unusable> {
  const { node, limits, token, asked } = work;
  try {
    const protocols = await listProtocols(asked, lsp, options);
    if (!protocols.includes(LSPS2)) throw new TermsError('no_lsps2', 'this node does not sell JIT channels (LSPS2)');
    const menu = await getInfo(asked, lsp, token, options);
    const { toSelfDelayBlocks } = node;
    return chooseQuote(lsp, menu, { paymentSize, limits, toSelfDelayBlocks, now: work.now() });
  } catch (error) {
    return { lsp: formatUri(lsp), error };
  }
}

/** Buys a quote; every limit is checked before anything is bought, and the trust model before an invoice exists (W6). */
export async function purchase(
  work: Work,
  { lsp: uri, params, paymentSize, openingFee }: Quote,
  fields: InvoiceFields,
  options?: Abortable,
): Promise<PurchaseRecord> {
  const { node, limits, book, asked, reserved } = work;
  const lsp = parseUri(uri);
  const { description, expirySeconds } = fields;
  checkFields(fields);
  // What goes out is what is judged: the very text that the LSP sent, not what became of it in somebody's hands.
  const sent = decodeOpeningFeeParams(parseJson(params.verbatim), 'quote');
  const { toSelfDelayBlocks } = node;
  const fee = feeOf(sent, { paymentSize, limits, toSelfDelayBlocks, now: work.now() });
  if (fee !== openingFee) throw new TermsError('not_the_quote', 'the quote was changed after it was made');
  const bought = await buy(asked, lsp, { params: sent, paymentSize }, options);
  checkTrust(limits, bought.trust);
  const place = `${lsp.nodeId}/${bought.scid}`;
  if (book.sold(lsp.nodeId, bought.scid) || reserved.has(place)) {
    throw new DecodeError('result.jit_channel_scid', 'was sold to us before');
  }
  reserved.add(place);
  try {
    const { validUntil } = sent;
    const sale = { paymentSize, validUntil, bought, lsp, description, expirySeconds };
    const invoice = await buildInvoice(node, { ...sale, now: work.now() });
    const record: PurchaseRecord = {
      version: 1,
      scid: bought.scid,
      lsp: lsp.nodeId,
      paymentHash: invoice.paymentHash,
      paymentSize,
      openingFee,
      trust: bought.trust,
      validUntil,
      expiresAt: invoice.timestamp + invoice.expirySeconds,
      invoice: invoice.text,
      state: { tag: 'waiting' },
      feePaid: msat(0n),
      received: msat(0n),
      letIn: undefined,
    };
    await book.add(record);
    return record;
  } finally {
    reserved.delete(place);
  }
}

function checkFields({ description, expirySeconds }: InvoiceFields): void {
  const bytes = encodeUtf8(description).length;
  if (bytes > DESCRIPTION_BYTES_MAX) {
    throw new RangeError(`description: ${bytes} bytes, more than the ${DESCRIPTION_BYTES_MAX} that an invoice takes`);
  }
  if (expirySeconds !== undefined && !(Number.isSafeInteger(expirySeconds) && expirySeconds > 0)) {
    throw new RangeError(`expirySeconds: ${expirySeconds} is not a whole number above 0`);
  }
}
