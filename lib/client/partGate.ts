import { msat } from '../core/amount.ts';
import type { PartSet } from '../ports/gates.ts';
import { endOf, feeLeft, type PurchaseRecord, type RefusalReason } from './record.ts';

export type PartsVerdict =
  /** `record` must be durable before the preimage is given; none: it is no purchase's payment. */
  | { readonly claim: true; readonly record?: PurchaseRecord }
  | { readonly claim: false; readonly reason: RefusalReason };

const no = (reason: RefusalReason): PartsVerdict => ({ claim: false, reason });

/** Judges a complete payment. `record`: the purchase of its hash. */
export function judgeParts(set: PartSet, record: PurchaseRecord | undefined, now: number): PartsVerdict {
  // bLIP-25: nobody agreed to an extra fee on any other payment of the node.
  if (!record) return set.extraFee === 0n ? { claim: true } : no('fee_not_agreed');
  if (record.state.tag === 'cancelled') return no('cancelled');
  if (record.state.tag === 'expired' || now >= endOf(record)) return no('expired');
  if (set.extraFee > 0n && set.peer !== record.lsp) return no('fee_from_another_peer');
  // W1: over all payments of the purchase. W3: no preimage for less than was promised.
  if (set.extraFee > feeLeft(record) || set.received < record.paymentSize - feeLeft(record)) return no('overcharged');
  // W2, on the sums; a surplus is the payer's gift.
  if (set.received + set.extraFee < record.paymentSize) return no('underpaid');
  if (!partsAddUp(set)) return no('part_amount_wrong');
  return {
    claim: true,
    record: {
      ...record,
      feePaid: msat(record.feePaid + set.extraFee),
      received: msat(record.received + set.received),
      // Who was told "paid" stays told; the sums follow when the money is there.
      state: record.state.tag === 'paid' ? record.state : { tag: 'claiming' },
    },
  };
}

/**
 * After a restart the node may ask once more about a payment that had passed the gate: it must be no worse than what was
 * counted then.
 */
export const isClaimedAlready = (set: PartSet, record: PurchaseRecord): boolean =>
  record.state.tag === 'claiming' &&
  set.extraFee <= record.feePaid &&
  set.received >= record.received &&
  (set.extraFee === 0n || set.peer === record.lsp) &&
  partsAddUp(set);

/** W2, part by part, where the node shows them. */
function partsAddUp({ parts, received, extraFee }: PartSet): boolean {
  if (!parts) return true;
  const net = parts.reduce((total, part) => total + part.amount, 0n);
  const fees = parts.reduce((total, part) => total + part.extraFee, 0n);
  const exact = parts.every((part) => part.amount + part.extraFee === part.onionAmount);
  return exact && net === received && fees === extraFee;
}
