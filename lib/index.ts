// What a wallet imports, and no more.
export type { Quotes, Quoting } from './client/ask.ts';
export { type Asker, type AskerInit, asker } from './client/asker.ts';
export { type Client, type ClientInit, client } from './client/client.ts';
export type { EstimatedMinimum, JudgedEntry } from './client/entry.ts';
export type { Refused } from './client/gatekeeper.ts';
export type { InvoiceFields } from './client/invoice.ts';
export type { Limits } from './client/limits.ts';
export type { Purchase } from './client/purchase.ts';
export type { LspSource } from './client/lspSource.ts';
export type { Receivable } from './client/need.ts';
export { type AnyQuote, type FixedQuote, type Price, priceOf, type Quote, type Unusable } from './client/quote.ts';
export type { AlertReason, Amounts, PurchaseState, RefusalReason } from './client/state.ts';
export { TermsError, type TermsReason } from './client/terms.ts';
export { formatSat, type Msat, msat, type Sat, sat } from './core/amount.ts';
export {
  DecodeError,
  InvariantError,
  Lsps2Error,
  NodeError,
  PolicyError,
  RpcError,
  TransportError,
  type TransportReason,
} from './core/errors.ts';
export { type ChannelId, formatUri, type NodeId, type PaymentHash, type PeerUri, parseUri } from './core/ids.ts';
export { formatScid, parseScid, type Scid } from './core/scid.ts';
export type * from './ports/index.ts';
export { decodeInvoice } from './protocol/bolt11/decode.ts';
export type { Invoice, RouteHop } from './protocol/bolt11/invoice.ts';
export type { Trust } from './protocol/lsps2/messages.ts';
export type { OpeningFeeParams, OpeningFeeTerms } from './protocol/lsps2/openingFeeParams.ts';
