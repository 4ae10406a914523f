import type { Msat } from '../../core/amount.ts';
import type { OpeningFeeTerms } from './openingFeeParams.ts';
import { openingFee } from './openingFee.ts';

/** More entries than this no person compares; a longer menu is refused. */
export const MENU_ENTRIES_MAX = 64;

/** The index of the first entry that breaks the order of bLIP-52 section 1 (fees strictly increase), or -1. */
export function menuDisorder(menu: readonly OpeningFeeTerms[]): number {
  return menu.findIndex((entry, index) => {
    const before = menu[index - 1];
    if (!before) return false;
    const min = entry.minFee - before.minFee;
    const ppm = entry.proportionalPpm - before.proportionalPpm;
    return min < 0n || ppm < 0 || (min === 0n && ppm === 0);
  });
}

/** Why an entry cannot carry a payment. */
export type Unfit = 'expired' | 'payment_too_small' | 'payment_too_large' | 'overflow' | 'fee_not_below_payment';

export type Judged = { readonly fee: Msat } | { readonly unfit: Unfit };

/** Judges one entry for one payment size at one time, by the client's rules of bLIP-52 sections 1 and 2. */
export function judge(terms: OpeningFeeTerms, paymentSize: Msat, nowUnixSeconds: number): Judged {
  if (nowUnixSeconds >= terms.validUntil) return { unfit: 'expired' };
  if (paymentSize < terms.minPaymentSize) return { unfit: 'payment_too_small' };
  if (paymentSize > terms.maxPaymentSize) return { unfit: 'payment_too_large' };
  const fee = openingFee(terms, paymentSize);
  if (fee === undefined) return { unfit: 'overflow' };
  if (fee >= paymentSize) return { unfit: 'fee_not_below_payment' };
  return { fee };
}
