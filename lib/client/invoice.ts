import type { Msat } from '../core/amount.ts';
import { InvariantError, NodeError } from '../core/errors.ts';
import type { PeerUri } from '../core/ids.ts';
import type { WalletNode } from '../ports/walletNode.ts';
import { FEATURE } from '../protocol/bolt1/features.ts';
import type { Invoice } from '../protocol/bolt11/invoice.ts';
import { signInvoice } from '../protocol/bolt11/sign.ts';
import type { Bought } from '../protocol/lsps2/messages.ts';
import { TermsError } from './quote.ts';

/** What the caller may say of an invoice. */
export interface InvoiceFields {
  /** Shown to the payer; at most 639 bytes of UTF-8. */
  readonly description: string;
  /** Cut short where the LSP's offer ends sooner. Default 3600. */
  readonly expirySeconds?: number;
}

const DEFAULT_INVOICE_EXPIRY_SECONDS = 3600;
/** An invoice ends this long before the LSP's offer, so that a payment sent in its last second still arrives in time. */
const EXPIRY_MARGIN_SECONDS = 10;
/** bLIP-52 section 3: `c` is at least 2 above the node's own, for blocks that come while the channel opens. */
const FINAL_CLTV_EXTRA_BLOCKS = 2;

/** What an invoice is made for. */
export interface SoldFor {
  readonly paymentSize: Msat;
  /** Of the LSP's offer, Unix seconds. */
  readonly validUntil: number;
  readonly bought: Bought;
  readonly lsp: PeerUri;
  readonly description: string;
  readonly expirySeconds: number | undefined;
  readonly now: number;
}

/** The invoice of bLIP-52 section 3, for a fixed amount, signed by the node. @throws TermsError, NodeError */
export async function buildInvoice(node: WalletNode, o: SoldFor): Promise<Invoice> {
  const { paymentSize, validUntil, bought, now } = o;
  const expirySeconds = Math.min(
    o.expirySeconds ?? DEFAULT_INVOICE_EXPIRY_SECONDS,
    validUntil - EXPIRY_MARGIN_SECONDS - now,
  );
  if (expirySeconds <= 0) throw new TermsError('expired', 'the offer ended before an invoice could be made');
  const { paymentHash, paymentSecret } = await node.newPayment({
    amount: paymentSize,
    expirySeconds,
    minFinalCltvExpiryDelta: node.minFinalCltvExpiryDelta,
  });
  const invoice = await signInvoice(
    {
      network: node.network,
      amount: paymentSize,
      timestamp: now,
      paymentHash,
      paymentSecret,
      description: o.description,
      expirySeconds,
      minFinalCltvExpiryDelta: node.minFinalCltvExpiryDelta + FINAL_CLTV_EXTRA_BLOCKS,
      routeHints: [
        [
          {
            nodeId: o.lsp.nodeId,
            scid: bought.scid,
            feeBaseMsat: 0,
            feeProportionalPpm: 0,
            cltvExpiryDelta: bought.lspCltvExpiryDelta,
          },
        ],
      ],
      features: [FEATURE.varOnionOptin, FEATURE.paymentSecret, FEATURE.basicMpp + 1],
    },
    (unsigned) => node.sign(unsigned),
  );
  if (invoice.payee !== node.nodeId) throw new NodeError('the node signed the invoice with another key than its own');
  if (invoice.timestamp + invoice.expirySeconds > validUntil)
    throw new InvariantError('the invoice outlives the offer');
  return invoice;
}
