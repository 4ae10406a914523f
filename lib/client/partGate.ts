import { msat } from '../core/amount.ts';
import type { PartSet } from '../ports/gates.ts';
import { feeLeft, type PurchaseRecord, type RefusalReason } from './record.ts';

export type Verdict =
  | { readonly claim: true; readonly record?: PurchaseRecord }
  | { readonly claim: false; readonly reason: RefusalReason };

const no = (reason: RefusalReason): Verdict => ({ claim: false, reason });

/** Judges a complete payment. `record`: the purchase of its hash; what comes back in a yes must be durable before it is given. */
export function judgeParts(set: PartSet, record: PurchaseRecord | undefined): Verdict {
  // bLIP-25: nobody agreed to an extra fee on any other payment of the node.
  if (!record) return set.extraFee === 0n ? { claim: true } : no('fee_not_agreed');
  if (record.state.tag === 'cancelled') return no('cancelled');
  if (isRepeated(set, record)) return { claim: true };
  if (set.extraFee > 0n && set.peer !== undefined && set.peer !== record.lsp) return no('fee_from_another_peer');
  // W1: over all payments of the purchase.
  if (set.extraFee > feeLeft(record)) return no('overcharged');
  // W3: no preimage for less than was promised.
  if (set.received < record.paymentSize - feeLeft(record)) return no('overcharged');
  // W2, on the sums; a surplus is the payer's gift.
  if (set.received + set.extraFee < record.paymentSize) return no('underpaid');
  if (!partsAddUp(set)) return no('part_amount_wrong');
  return {
    claim: true,
    record: {
      ...record,
      feePaid: msat(record.feePaid + set.extraFee),
      channelId: record.channelId ?? set.channelId,
      state: { tag: 'claiming', received: set.received, fee: set.extraFee },
    },
  };
}

/** The node asks again about a payment that we had already let through, as after a restart: it is not counted twice. */
function isRepeated(set: PartSet, { state }: PurchaseRecord): boolean {
  return state.tag === 'claiming' && state.received === set.received && state.fee === set.extraFee;
}

/** W2, part by part, where the node shows them. */
function partsAddUp({ parts, received, extraFee }: PartSet): boolean {
  if (!parts) return true;
  const net = parts.reduce((total, part) => total + part.amount, 0n);
  const fees = parts.reduce((total, part) => total + part.extraFee, 0n);
  const exact = parts.every((part) => part.amount + part.extraFee === part.onionAmount);
  return exact && net === received && fees === extraFee;
}
