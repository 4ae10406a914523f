import { type Msat, msat } from '../core/amount.ts';
import { openingFee } from '../protocol/lsps2/openingFee.ts';
import { NOTHING, type PurchaseRecord } from './record.ts';

// What the LSP promised, as a number, for one more payment.

/**
 * The opening fee under which a payment of this gross amount stands. With a variable amount the first payment that bears a fee
 * sets it (bLIP-52 section 2: computed on the amount before the fee was taken); undefined where the limits allow none.
 */
export function promisedFee(record: PurchaseRecord, gross: Msat): Msat | undefined {
  const { rate } = record;
  if (record.openingFee !== undefined) return record.openingFee;
  if (!rate || gross < rate.minPaymentSize || gross > rate.maxPaymentSize) return undefined;
  return openingFee(rate, gross);
}

/** What the LSP may take out of a payment: the promise, less what it had before (W1). */
export function feeLeft(record: PurchaseRecord, gross: Msat): Msat | undefined {
  const promised = promisedFee(record, gross);
  if (promised === undefined) return undefined;
  return promised > record.feePaid ? msat(promised - record.feePaid) : NOTHING;
}

/** The least that the channel of a purchase must be able to carry. */
export function leastNet({ paymentSize, openingFee: fee, rate }: PurchaseRecord): bigint {
  if (paymentSize !== undefined) return paymentSize - (fee ?? 0n);
  if (!rate) return 0n;
  return rate.minPaymentSize - (openingFee(rate, rate.minPaymentSize) ?? 0n);
}
