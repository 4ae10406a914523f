import { type Msat, msat } from '../core/amount.ts';
import { InvariantError } from '../core/errors.ts';
import { openingFee } from '../protocol/lsps2/openingFee.ts';
import type { Offer, Part, View } from './data.ts';

// What a set must bring, and what is taken out of it. With a variable amount both follow from the one HTLC that is the set.

/** The payment size of a set; undefined when a variable amount is out of range, or cannot bear its fee. */
export function sizeOf(offer: Offer, parts: readonly Part[]): Msat | undefined {
  if (offer.paymentSize !== undefined) return offer.paymentSize;
  const amount = parts[0]?.amount;
  if (amount === undefined || amount < offer.minPaymentSize || amount > offer.maxPaymentSize) return undefined;
  const fee = openingFee(offer, amount);
  return fee === undefined || fee >= amount ? undefined : amount;
}

/** The opening fee of a set: of the payment size, or of its one HTLC. */
function feeOf(offer: Offer, parts: readonly Part[]): Msat {
  const [first] = parts;
  const fee = offer.openingFee ?? (first && openingFee(offer, first.amount));
  if (fee === undefined) throw new InvariantError('a set without a fee: its part should have been refused');
  return fee;
}

/** What of the fee of a set is neither settled nor on its way. It never falls below zero. */
export function feeOwing({ offer, feeTaken }: Pick<View, 'offer' | 'feeTaken'>, parts: readonly Part[]): Msat {
  const fee = feeOf(offer, parts);
  return msat(fee > feeTaken ? fee - feeTaken : 0n);
}

/** The parts that make up a payment, and those that wait behind it; no set when they do not suffice. */
export function setOf(
  offer: Offer,
  parts: readonly Part[],
): { readonly set: readonly Part[]; readonly rest: readonly Part[] } | undefined {
  if (offer.paymentSize === undefined) {
    return parts.length === 0 ? undefined : { set: parts.slice(0, 1), rest: parts.slice(1) };
  }
  let total = 0n;
  for (const { amount } of parts) total += amount;
  return total < offer.paymentSize ? undefined : { set: parts, rest: [] };
}
