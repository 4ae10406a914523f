import { formatScid, type Purchase, type Quote, type Quotes } from 'lsps2';
import type { Reporter } from './reporter.ts';

// What demo and receive have in common: from the LSP's answer to the invoice.

/** @throws what is wrong with the one LSP that was asked. */
export function usable<Q extends Quote>({ best, all }: Quotes<Q>): Q {
  if (best) return best;
  const [only] = all;
  throw only && 'error' in only ? only.error : new Error('there is no LSP');
}

export function tellQuote(quote: Quote, report: Reporter): void {
  const valid = { menu_entry: quote.entry, valid_until: new Date(quote.validUntil * 1000).toISOString() };
  if (quote.kind === 'fixed')
    report.tell('quoted', {
      payment_size_msat: quote.paymentSize,
      opening_fee_msat: quote.openingFee,
      net_msat: quote.net,
      fee_ppm: quote.feePpm,
      ...valid,
    });
  else
    report.tell('quoted_any', {
      min_fee_msat: quote.minFee,
      proportional_ppm: quote.proportionalPpm,
      min_payment_size_msat: quote.minPaymentSize,
      max_payment_size_msat: quote.maxPaymentSize,
      ...valid,
    });
}

export const feeOf = ({ openingFee }: Purchase) => (openingFee === undefined ? {} : { opening_fee_msat: openingFee });

export function tellBought(purchase: Purchase, report: Reporter): void {
  const { scid, trust } = purchase;
  report.tell('bought', { jit_channel_scid: formatScid(scid), trust, ...feeOf(purchase) });
  tellInvoice(purchase, report);
}

export const tellInvoice = ({ invoice, paymentHash, paymentSize }: Purchase, report: Reporter): void =>
  report.tell('invoice', {
    invoice,
    payment_hash: paymentHash,
    ...(paymentSize === undefined ? {} : { amount_msat: paymentSize }),
  });
