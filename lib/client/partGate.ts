import { type Msat, msat } from '../core/amount.ts';
import type { PartSet } from '../ports/gates.ts';
import { feeLeft, promisedFee } from './promise.ts';
import { endOf, type PurchaseRecord } from './record.ts';
import type { RefusalReason } from './state.ts';

export type PartsVerdict =
  /** `record` must be durable before the preimage is given; none: it is no purchase's payment. */
  | { readonly claim: true; readonly record?: PurchaseRecord }
  | { readonly claim: false; readonly reason: RefusalReason };

const no = (reason: RefusalReason): PartsVerdict => ({ claim: false, reason });

/** Judges a complete payment. `record`: the purchase of its hash. */
export function judgeParts(set: PartSet, record: PurchaseRecord | undefined, now: number): PartsVerdict {
  // bLIP-25: nobody agreed to an extra fee on any other payment of the node, nor to less than its onions say.
  if (!record) {
    if (set.extraFee > 0n) return no('fee_not_agreed');
    return set.parts?.some(({ amount, onionAmount }) => amount < onionAmount)
      ? no('part_amount_wrong')
      : { claim: true };
  }
  if (record.state.tag === 'cancelled') return no('cancelled');
  if (record.state.tag === 'expired' || now >= endOf(record)) return no('expired');
  if (!feesFrom(set, record)) return no('fee_from_another_peer');
  const gross = msat(set.received + set.extraFee);
  const left = feeLeft(record, gross);
  // W1: over all payments of the purchase. A variable amount beyond the limits bears no fee at all.
  if (set.extraFee > (left ?? 0n)) return no(left === undefined ? 'over_limit' : 'overcharged');
  if (record.paymentSize === undefined) {
    // bLIP-52 section 2, "no-MPP+var-invoice": the fee is that of one HTLC.
    if (set.extraFee > 0n && (set.parts?.length ?? 1) > 1) return no('several_parts');
  } else {
    // W3: no preimage for less than was promised.
    if (set.received < record.paymentSize - (left ?? 0n)) return no('overcharged');
    // W2, on the sums; a surplus is the payer's gift.
    if (gross < record.paymentSize) return no('underpaid');
  }
  if (!partsAddUp(set)) return no('part_amount_wrong');
  return { claim: true, record: counted(set, record, gross) };
}

function counted(set: PartSet, record: PurchaseRecord, gross: Msat): PurchaseRecord {
  return {
    ...record,
    heldAt: undefined,
    openingFee: set.extraFee > 0n ? promisedFee(record, gross) : record.openingFee,
    feePaid: msat(record.feePaid + set.extraFee),
    received: msat(record.received + set.received),
    // Who was told "paid" stays told; the sums follow when the money is there.
    state: record.state.tag === 'paid' ? record.state : claiming(record, set),
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
  feesFrom(set, record) &&
  partsAddUp(set);

/** With what is on its way, so that it can be taken back if the node gives the payment back. */
function claiming({ state }: PurchaseRecord, set: PartSet): PurchaseRecord['state'] {
  const { fee = 0n, received = 0n } = state.tag === 'claiming' ? state : {};
  const [fees, net] = [msat(fee + set.extraFee), msat(received + set.received)];
  return { tag: 'claiming', gross: msat(fees + net), fee: fees, received: net };
}

/** Only the LSP that sold may take a fee; the parts that bear none may come from anybody. */
function feesFrom({ parts, extraFee, peer, channels }: PartSet, { lsp }: PurchaseRecord): boolean {
  if (extraFee === 0n) return true;
  if (!parts && channels) return channels.length > 0 && channels.every((channel) => channel.peer === lsp);
  const bearing = parts?.filter((part) => part.extraFee > 0n);
  return bearing?.every((part) => (part.peer ?? peer) === lsp) ?? peer === lsp;
}

/** W2, part by part, where the node shows them. */
function partsAddUp({ parts, received, extraFee }: PartSet): boolean {
  if (!parts) return true;
  const net = parts.reduce((total, part) => total + part.amount, 0n);
  const fees = parts.reduce((total, part) => total + part.extraFee, 0n);
  const exact = parts.every((part) => part.amount + part.extraFee === part.onionAmount);
  return exact && net === received && fees === extraFee;
}
