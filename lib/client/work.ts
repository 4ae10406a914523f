import { type Msat, msat } from '../core/amount.ts';
import { DecodeError } from '../core/errors.ts';
import { formatUri, type PeerUri, parseUri } from '../core/ids.ts';
import { encodeUtf8 } from '../core/utf8.ts';
import type { Abortable } from '../ports/abort.ts';
import type { WalletNode } from '../ports/walletNode.ts';
import { DESCRIPTION_BYTES_MAX } from '../protocol/bolt11/encode.ts';
import type { Book } from './book.ts';
import { buy, getInfo, listProtocols } from './calls.ts';
import { buildInvoice, type InvoiceFields } from './invoice.ts';
import { checkLimits, checkTrust, type Limits } from './limits.ts';
import { chooseQuote, type Quote, TermsError, type Unusable } from './quote.ts';
import type { PurchaseRecord } from './record.ts';
import type { Requests } from './requests.ts';

// What the client does at an LSP: ask for its price, and buy.

export interface Work {
  readonly node: WalletNode;
  readonly limits: Limits;
  readonly token: string | undefined;
  readonly book: Book;
  readonly asked: Requests;
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
    return chooseQuote({ lsp, menu, paymentSize, limits, toSelfDelayBlocks, now: work.now() });
  } catch (error) {
    return { lsp: formatUri(lsp), error };
  }
}

/** Buys a quote; every limit is checked before anything is bought, and the trust model before an invoice exists (W6). */
export async function purchase(
  { node, limits, book, asked, now }: Work,
  quote: Quote,
  fields: InvoiceFields,
  options?: Abortable,
): Promise<PurchaseRecord> {
  const lsp = parseUri(quote.lsp);
  checkFields(fields);
  const { params, paymentSize, openingFee } = quote;
  checkLimits(limits, { terms: params, fee: openingFee, paymentSize, now: now() });
  const bought = await buy(asked, lsp, { params, paymentSize }, options);
  checkTrust(limits, bought.trust);
  if (book.sold(lsp.nodeId, bought.scid)) throw new DecodeError('result.jit_channel_scid', 'was sold to us before');
  const invoice = await buildInvoice(node, { quote, bought, lsp, fields, now: now() });
  const record: PurchaseRecord = {
    version: 1,
    scid: bought.scid,
    lsp: lsp.nodeId,
    paymentHash: invoice.paymentHash,
    paymentSize,
    openingFee,
    trust: bought.trust,
    validUntil: quote.validUntil,
    invoice: invoice.text,
    state: { tag: 'waiting' },
    feePaid: msat(0n),
    channelId: undefined,
  };
  await book.put(record);
  return record;
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
