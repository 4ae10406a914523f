import type { TermsReason } from '../client/terms.ts';
import type { StoreError, TransportReason } from '../core/errors.ts';

// What to tell a user of an error, in our own words: never the LSP's, whose text is only in `RpcError.detail`. Replace any of it to
// translate. Each sentence says what to do where there is something to do.

export const TERMS: Readonly<Record<TermsReason, string>> = {
  expired: 'The offer of the LSP has ended. Ask for a new price.',
  payment_too_small: 'The LSP does not open a channel for so small a payment. Ask for more.',
  payment_too_large: 'The LSP does not open a channel for so large a payment. Ask for less, or another LSP.',
  overflow: 'The price of the LSP for this payment makes no sense. Ask another LSP.',
  fee_not_below_payment: 'The fee of the LSP would eat the whole payment. Ask for more, or another LSP.',
  nothing_offered: 'The LSP sells no channels now. Try later, or another LSP.',
  no_lsps2: 'This node sells no channels. Choose another LSP.',
  to_self_delay_too_long: 'The LSP does not accept how your node protects its channels. Choose another LSP.',
  not_the_quote: 'The price was changed after it was shown. Ask for a new one.',
};

/** By `PolicyError.limit`. */
export const LIMITS = {
  maxFee: 'The fee is above your limit.',
  maxFeePpm: 'The fee is too large a share of the payment for your limit.',
  minValiditySeconds: 'The offer ends too soon. Ask for a new price.',
  trust: 'The LSP wants to be trusted in a way that you do not allow. Nothing is lost; choose another LSP.',
  hold: 'The LSP wants the payment to be taken at once, which this invoice does not allow.',
  confirmations: 'Your settings ask to wait for the chain, and this wallet cannot see it.',
  readOnly: 'The wallet is open in another window. Use it there.',
} as const;

export const TRANSPORT: Readonly<Record<TransportReason, string>> = {
  offline: 'The LSP cannot be reached. Look at your connection, or try later.',
  closed: 'The connection to the LSP broke. Try again.',
  timeout: 'The LSP did not answer in time. Try again.',
  protocol: 'The LSP does not speak as a Lightning node should. Choose another LSP.',
};

/** By `RpcError.reason`: the words of bLIP-50 and bLIP-52. */
export const REFUSED_BY_LSP = {
  client_rejected: 'The LSP does not serve you now; perhaps you have too many open invoices with it. Try later.',
  unrecognized_or_stale_token: 'The LSP does not know your token, or it has ended.',
  invalid_opening_fee_params: 'The LSP does not stand by its price any more. Ask for a new one.',
  payment_size_too_small: 'The LSP does not open a channel for so small a payment. Ask for more.',
  payment_size_too_large: 'The LSP does not open a channel for so large a payment. Ask for less.',
  method_not_found: 'This node sells no channels. Choose another LSP.',
  internal_error: 'The LSP has a trouble of its own. Try later, or another LSP.',
  parse_error: 'The LSP did not understand the wallet. Tell the maker of the wallet.',
  invalid_request: 'The LSP did not understand the wallet. Tell the maker of the wallet.',
  invalid_params: 'The LSP did not understand the wallet. Tell the maker of the wallet.',
  unknown: 'The LSP said no, and did not say why.',
} as const;

export const STORE: Readonly<Record<StoreError['reason'], string>> = {
  locked: 'The wallet is open somewhere else. Close it there.',
  not_a_store: 'The wallet’s records are not what they should be.',
  newer: 'The wallet’s records were written by a newer version. Update the wallet.',
  io: 'The wallet cannot write to its storage. Is it full?',
  no_driver: 'The wallet cannot store anything here.',
  conflict: 'The wallet is open somewhere else, too. Try once more.',
};

/** By `code`, where nothing more is known. */
const CODES: Readonly<Record<string, string>> = {
  decode: 'The LSP said something that makes no sense. Ask another LSP.',
  node: 'Your node could not do it.',
  stopped: 'The wallet was closed before this was done.',
  invariant: 'The wallet has a bug. Tell its maker.',
  rpc: REFUSED_BY_LSP.unknown,
  transport: TRANSPORT.closed,
  policy: 'One of your limits does not allow it.',
  terms: 'The terms of the LSP do not fit. Ask another LSP.',
  store: STORE.io,
};
const OTHER = 'Something went wrong.';

const TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  terms: TERMS,
  policy: LIMITS,
  transport: TRANSPORT,
  rpc: REFUSED_BY_LSP,
  store: STORE,
};

/** One sentence about an error of this package, by its code; what is not of this package is told as that. */
export function describeError(error: unknown): string {
  const { code, reason, limit } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const key = String(reason ?? limit);
  const table = own(TABLES, String(code));
  return (table && own(table, key)) ?? own(CODES, String(code)) ?? OTHER;
}

/** No name of Object's own is a key of ours. */
const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;
