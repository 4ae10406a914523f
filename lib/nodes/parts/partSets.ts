import { type Msat, msat, sum, U64_MAX } from '../../core/amount.ts';
import type { PaymentHash } from '../../core/ids.ts';

/** One HTLC of a payment to us, which the node holds. */
export interface HeldPart {
  /** Unique for the life of the HTLC. */
  readonly name: string;
  readonly paymentHash: PaymentHash;
  /** Of the HTLC: what would be received. */
  readonly amount: Msat;
  readonly extraFee: Msat;
  /** `amt_to_forward` of its onion. */
  readonly onionAmount: Msat;
  /** `total_msat`. */
  readonly total: Msat;
  /** Height from which on it must not be held. */
  readonly deadline: number;
}

/** The HTLCs of one payment that wait for its others, or for a decision. */
export interface PartSet<Part extends HeldPart = HeldPart> {
  readonly paymentHash: PaymentHash;
  readonly parts: Map<string, Part>;
  /** Milliseconds. */
  readonly since: number;
  /** All of it is here: nothing is added any more. */
  complete: boolean;
}

/** More than a payer can have on its way over one channel. */
const PARTS_MAX = 483;

/** Sets of parts, by payment hash. Pure bookkeeping: who is asked and told is not known here. */
export interface PartSets<Part extends HeldPart> {
  get(hash: PaymentHash): PartSet<Part> | undefined;
  all(): readonly PartSet<Part>[];
  has(name: string): boolean;
  /** Adds a part to its set; undefined: it does not fit there, or the set is whole. */
  add(part: Part, nowMs: number): PartSet<Part> | undefined;
  /** Removes a set if it is still there. */
  drop(set: PartSet<Part>): boolean;
}

export function partSets<Part extends HeldPart>(): PartSets<Part> {
  const sets = new Map<PaymentHash, PartSet<Part>>();
  return {
    get: (hash) => sets.get(hash),
    all: () => [...sets.values()],
    has: (name) => [...sets.values()].some(({ parts }) => parts.has(name)),
    add(part, nowMs) {
      const set = sets.get(part.paymentHash) ?? newSet<Part>(part.paymentHash, nowMs);
      const [first] = set.parts.values();
      if (set.complete || set.parts.size >= PARTS_MAX || (first && first.total !== part.total)) return undefined;
      const all = [...set.parts.values(), part];
      const [onions, fees] = [all.map((each) => each.onionAmount), all.map((each) => each.extraFee)].map(total);
      // Nobody has so much: a payer's joke must not end in an exception.
      if (onions === undefined || fees === undefined || onions > U64_MAX || fees > U64_MAX) return undefined;
      set.parts.set(part.name, part);
      set.complete = onions >= part.total;
      sets.set(part.paymentHash, set);
      return set;
    },
    drop: (set) => sets.get(set.paymentHash) === set && sets.delete(set.paymentHash),
  };
}

const total = (amounts: readonly bigint[]): bigint => amounts.reduce((a, b) => a + b, 0n);

const newSet = <Part extends HeldPart>(paymentHash: PaymentHash, since: number): PartSet<Part> => ({
  paymentHash,
  parts: new Map(),
  since,
  complete: false,
});

export const receivedOf = ({ parts }: PartSet) => msat(sum([...parts.values()].map(({ amount }) => amount)));
export const extraFeeOf = ({ parts }: PartSet) => msat(sum([...parts.values()].map(({ extraFee }) => extraFee)));
/** The height at which lnd gives the first of them back. */
export const deadlineOf = ({ parts }: PartSet): number =>
  Math.min(...[...parts.values()].map(({ deadline }) => deadline));
