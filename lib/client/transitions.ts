import { msat } from '../core/amount.ts';
import type { ChannelId } from '../core/ids.ts';
import type { PartSet } from '../ports/gates.ts';
import type { Book } from './book.ts';
import { isFilled, type PurchaseRecord } from './record.ts';
import type { Amounts, PurchaseState } from './state.ts';

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
  state: { tag: 'refused', ...refusal },
});

export const heldRecord = (
  record: PurchaseRecord,
  until: Extract<PurchaseState, { tag: 'held' }>['until'],
  amounts: Amounts,
): PurchaseRecord => ({ ...record, state: { tag: 'held', until, ...amounts } });

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
    .find((each) => each.letIn?.channelId === channelId && each.paymentHash !== record.paymentHash && !isFilled(each));
  if (!other) return [record];
  // What is counted comes last: saved alone it would be money that was never taken.
  return [
    { ...other, letIn: record.letIn },
    { ...record, letIn: other.letIn },
  ];
}
