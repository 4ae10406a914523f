import { msat } from '../core/amount.ts';
import { DecodeError, PolicyError } from '../core/errors.ts';
import { formatUri, type NodeId, type PaymentHash, type PeerUri, parseUri } from '../core/ids.ts';
import type { Abortable } from '../ports/abort.ts';
import type { WalletNode } from '../ports/walletNode.ts';
import { parseJson } from '../protocol/lsps0/json.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';
import { decodeOpeningFeeParams, type OpeningFeeParams } from '../protocol/lsps2/openingFeeParams.ts';
import type { Book } from './book.ts';
import { buy } from './calls.ts';
import { type Fit, fitOf } from './entry.ts';
import { buildInvoice, checkFields, type InvoiceFields, jitHint, takeBack } from './invoice.ts';
import { checkTrust, type Limits } from './limits.ts';
import type { KnownLsp } from './lspSource.ts';
import type { Quote } from './quote.ts';
import { NOTHING, type PurchaseRecord } from './record.ts';
import type { Requests } from './requests.ts';
import { TermsError } from './terms.ts';

// What the client does at an LSP once it has a quote: buy.

export interface Work {
  readonly node: WalletNode;
  readonly limits: Limits;
  readonly lsps: ReadonlyMap<NodeId, KnownLsp>;
  readonly book: Book;
  readonly asked: Requests;
  /** Scids and hashes that were bought a moment ago and are not in the book yet. */
  readonly reserved: Set<string>;
  /** Unix seconds. */
  now(): number;
}

/** What is sent is what is judged: the very text that the LSP sent, not what became of it in somebody's hands. */
function judgeAgain(
  { node, limits, now }: Work,
  quote: Quote,
): { readonly params: OpeningFeeParams; readonly fit: Fit } {
  const params = decodeOpeningFeeParams(parseJson(quote.params.verbatim), 'quote');
  const amount = quote.kind === 'fixed' ? quote.paymentSize : 'any';
  const fit = fitOf(params, { amount, limits, toSelfDelayBlocks: node.toSelfDelayBlocks, now: now() });
  const same =
    quote.kind === 'fixed'
      ? fit.openingFee === quote.openingFee
      : params.minFee === quote.minFee &&
        params.proportionalPpm === quote.proportionalPpm &&
        fit.bounds.minPaymentSize === quote.minPaymentSize &&
        fit.bounds.maxPaymentSize === quote.maxPaymentSize;
  if (!same) throw new TermsError('not_the_quote', 'the quote was changed after it was made');
  return { params, fit };
}

/** @throws PolicyError: the trust model came with what was bought, and no invoice is made (W6). */
function checkBought(
  trust: Trust,
  o: { readonly allowed: readonly Trust[] | undefined; readonly hold: boolean },
): void {
  checkTrust(o.allowed, trust);
  if (o.hold && trust === 'client-trusts-lsp')
    throw new PolicyError('hold', 'the LSP wants the preimage at once, so a hold invoice would not be paid');
}

/** Buys a quote; every limit is checked before anything is bought, and the trust model before an invoice exists (W6). */
export async function purchase(
  work: Work,
  quote: Quote,
  fields: InvoiceFields,
  options?: Abortable,
): Promise<PurchaseRecord> {
  const lsp = parseUri(quote.lsp);
  const { hash } = checkFields(fields);
  const release = reserveHash(work, hash);
  try {
    return await buyAndInvoice(work, { quote, fields, hash, lsp }, options);
  } finally {
    release();
  }
}

/** Nobody may have two purchases under one hash: the second would be judged by the promise of the first. @throws RangeError */
function reserveHash({ book, reserved }: Work, hash: PaymentHash | undefined): () => void {
  if (hash === undefined) return () => undefined;
  if (book.of(hash) || reserved.has(hash)) throw new RangeError('paymentHash: was used for another purchase');
  reserved.add(hash);
  return () => void reserved.delete(hash);
}

async function buyAndInvoice(
  work: Work,
  o: {
    readonly quote: Quote;
    readonly fields: InvoiceFields;
    readonly hash: PaymentHash | undefined;
    readonly lsp: PeerUri;
  },
  options?: Abortable,
): Promise<PurchaseRecord> {
  const { node, limits, book, asked, reserved } = work;
  const { quote, fields, hash, lsp } = o;
  const { params, fit } = judgeAgain(work, quote);
  const paymentSize = quote.kind === 'fixed' ? quote.paymentSize : undefined;
  await node.checkReady?.({ amount: paymentSize, paymentHash: hash });
  const bought = await buy(asked, lsp, { params, paymentSize }, options);
  const allowed = work.lsps.get(lsp.nodeId)?.trust ?? limits.trust;
  checkBought(bought.trust, { allowed, hold: hash !== undefined && fields.preimage === undefined });
  const place = `${lsp.nodeId}/${bought.scid}`;
  if (book.sold(lsp.nodeId, bought.scid) || reserved.has(place)) {
    throw new DecodeError('result.jit_channel_scid', 'was sold to us before');
  }
  reserved.add(place);
  try {
    const { confirmations } = limits;
    const careful = confirmations !== undefined && bought.trust === 'lsp-trusts-client';
    const invoice = await buildInvoice(node, {
      amount: paymentSize,
      hash,
      fields,
      routeHints: [[jitHint(lsp, bought)]],
      waitBlocks: careful ? confirmations : 0,
      parts: paymentSize !== undefined,
      endsBy: params.validUntil,
      now: work.now(),
      bought: {
        lsp: lsp.nodeId,
        scid: bought.scid,
        trust: bought.trust,
        leastNet: paymentSize === undefined ? undefined : msat(paymentSize - (fit.openingFee ?? NOTHING)),
      },
    });
    const record: PurchaseRecord = {
      version: 2,
      scid: bought.scid,
      lsp: lsp.nodeId,
      lspUri: formatUri(lsp),
      paymentHash: invoice.paymentHash,
      paymentSize,
      openingFee: fit.openingFee,
      ...(quote.kind === 'any' ? { rate: rateOf(quote) } : {}),
      trust: bought.trust,
      ...(confirmations === undefined ? {} : { confirmations }),
      ...(limits.maxToSelfDelayBlocks === undefined ? {} : { maxToSelfDelayBlocks: limits.maxToSelfDelayBlocks }),
      minLifetimeBlocks: params.minLifetimeBlocks,
      validUntil: params.validUntil,
      expiresAt: invoice.timestamp + invoice.expirySeconds,
      invoice: invoice.text,
      ...(hash === undefined ? {} : { own: fields.preimage === undefined ? {} : { preimage: fields.preimage } }),
      state: { tag: 'waiting' },
      feePaid: NOTHING,
      received: NOTHING,
      letIn: undefined,
    };
    try {
      await book.add(record);
    } catch (cause) {
      // Not of another purchase, should the node have made a hash twice.
      if (!book.of(record.paymentHash)) await takeBack(node, record.paymentHash);
      throw cause;
    }
    return record;
  } finally {
    reserved.delete(place);
  }
}

const rateOf = ({ minFee, proportionalPpm, minPaymentSize, maxPaymentSize }: Quote & { kind: 'any' }) => ({
  minFee,
  proportionalPpm,
  minPaymentSize,
  maxPaymentSize,
});
