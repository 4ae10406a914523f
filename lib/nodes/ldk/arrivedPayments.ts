import type { PaymentHash } from '../../core/ids.ts';
import { readRecord, saveRecord } from '../../core/record.ts';
import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import type { PartSet } from '../../ports/gates.ts';
import type { LdkNode } from './node.ts';

/**
 * A payment between its arrival and its end. LDK tells of each step once; what it told is kept in the commit that took it. A hash
 * is no name: the same invoice may be paid twice, and an answer about the one must not claim the other.
 */
export interface Arrived {
  readonly id: string;
  readonly set: PartSet;
  /** The node's own, where it has it. */
  readonly preimage: string | undefined;
  /** Height at which LDK gives the first of its HTLCs back. */
  readonly deadline?: number | undefined;
  /** LDK was told to claim it. */
  readonly claiming?: boolean;
  /** The money is ours; the gates have not heard of it yet. */
  readonly claimed?: boolean;
}

const isArrived = (record: unknown): record is Arrived =>
  typeof record === 'object' && record !== null && 'set' in record && 'id' in record;
const ARRIVED = 'arrived/';

export interface ArrivedPayments {
  get(id: string): Arrived | undefined;
  /** In the order in which they came. */
  of(hash: PaymentHash): readonly Arrived[];
  all(): readonly Arrived[];
  keep(each: Arrived): Arrived;
  drop(id: string): void;
}

export function arrivedPayments({ records }: Pick<LdkNode, 'records'>): ArrivedPayments {
  const arrived = new Map<string, Arrived>();
  for (const bytes of records.loaded(ARRIVED).values()) {
    const each = readRecord(decodeUtf8(bytes), isArrived);
    arrived.set(each.id, each);
  }
  return {
    get: (id) => arrived.get(id),
    of: (hash) => [...arrived.values()].filter(({ set }) => set.paymentHash === hash),
    all: () => [...arrived.values()],
    keep(each) {
      arrived.set(each.id, each);
      records.put(ARRIVED + each.id, encodeUtf8(saveRecord(each)));
      return each;
    },
    drop(id) {
      if (arrived.delete(id)) records.put(ARRIVED + id, undefined);
    },
  };
}
