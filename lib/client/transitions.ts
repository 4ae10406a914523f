import { type Msat, msat } from '../core/amount.ts';
import type { ChannelId } from '../core/ids.ts';
import type { PartSet } from '../ports/gates.ts';
import type { Book } from './book.ts';
import { isFilled, NOTHING, type PurchaseRecord, restingState } from './record.ts';
import type { AlertReason, Amounts, PurchaseState } from './state.ts';

// How a record goes on.

export const amountsOf = ({ received, extraFee }: PartSet): Amounts => ({
  gross: msat(received + extraFee),
  fee: extraFee,
  received,
});

type Refusal = Extract<PurchaseState, { tag: 'refused' }>;
type Unnamed<State> = State extends unknown ? Omit<State, 'tag'> : never;

export const refusedRecord = (record: PurchaseRecord, refusal: Unnamed<Refusal>): PurchaseRecord => ({
  ...record,
  heldAt: undefined,
  state: { tag: 'refused', ...refusal },
});

export const heldRecord = (
  record: PurchaseRecord,
  until: Extract<PurchaseState, { tag: 'held' }>['until'],
  amounts: Amounts,
): PurchaseRecord => ({ ...record, state: { tag: 'held', until, ...amounts } });

export const expiredRecord = (record: PurchaseRecord): PurchaseRecord => ({ ...record, state: { tag: 'expired' } });

/**
 * The node gave a payment back before a claim was begun: what was held is not, and what was counted for it was never taken. A
 * second payment of a paid purchase stays counted, which is the stricter way.
 */
export function gaveBack(
  given: PurchaseRecord,
  counted: { readonly received: Msat | undefined; readonly extraFee: Msat | undefined } | undefined,
): readonly PurchaseRecord[] {
  const record = { ...given, heldAt: undefined, letIn: given.letIn?.closed ? undefined : given.letIn };
  const { state } = record;
  if (state.tag === 'held') return [{ ...record, state: restingState(record) }];
  if (!counted || state.tag !== 'claiming' || state.received === undefined || state.fee === undefined) return [];
  // Without amounts: all that is on its way.
  const { received = state.received, extraFee = state.fee } = counted;
  if (received > state.received || extraFee > state.fee) return [];
  const feePaid = msat(record.feePaid - extraFee);
  const openingFee = record.rate && feePaid === 0n ? undefined : record.openingFee;
  const [left, fee] = [msat(state.received - received), msat(state.fee - extraFee)];
  const next = left + fee > 0n ? { tag: 'claiming' as const, gross: msat(left + fee), fee, received: left } : undefined;
  const total = msat(record.received - received);
  return [{ ...record, feePaid, openingFee, received: total, state: next ?? restingState(record) }];
}

/** With an alert that is told once. */
export const alerted = (record: PurchaseRecord, alert: AlertReason | undefined): PurchaseRecord =>
  alert === undefined || record.alerts?.includes(alert)
    ? record
    : { ...record, alerts: [...(record.alerts ?? []), alert] };

/** A payment that passed the gate, and of which the node could not take all. Its fee stays counted, which is the stricter way. */
export const partlyTaken = (record: PurchaseRecord, missing: Msat = NOTHING): PurchaseRecord =>
  // It is told until it is taken, which may be more than once.
  missing === 0n || missing > record.received || record.alerts?.includes('partly_settled')
    ? record
    : alerted({ ...record, received: msat(record.received - missing) }, 'partly_settled');

/** A payment that the node took without asking. */
export const takenUnasked = (record: PurchaseRecord, received: Msat, fee: Msat | 'unknown' = NOTHING): PurchaseRecord =>
  alerted(
    {
      ...record,
      received: msat(record.received + received),
      feePaid: msat(record.feePaid + (fee === 'unknown' ? NOTHING : fee)),
    },
    fee === 'unknown' ? 'fee_unknown' : undefined,
  );

export const paidRecord = (record: PurchaseRecord, now: number): PurchaseRecord => {
  const { received, feePaid: fee } = record;
  const gross = msat(received + fee);
  return { ...record, paidAt: record.paidAt ?? now, state: { tag: 'paid', gross, fee, received } };
};

/** The purchase that a payment filled; when it came over the channel of another purchase, the two change places. */
export function filled(
  book: Book,
  record: PurchaseRecord,
  channelId: ChannelId | undefined,
): readonly PurchaseRecord[] {
  if (channelId === undefined || record.letIn?.channelId === channelId) return [record];
  const other = book
    .all()
    .find(
      (each) =>
        each.letIn?.channelId === channelId &&
        each.lsp === record.lsp &&
        each.paymentHash !== record.paymentHash &&
        !isFilled(each),
    );
  if (!other) return [record];
  // What is counted comes last: saved alone it would be money that was never taken.
  return [
    { ...other, letIn: record.letIn },
    { ...record, letIn: other.letIn },
  ];
}
