import { msat } from '../core/amount.ts';
import type { ChannelId, NodeId, PaymentHash } from '../core/ids.ts';
import type { ChannelAnswer, ChannelOffer, Gates, PartSet } from '../ports/gates.ts';
import type { Book } from './book.ts';
import { judgeChannel, REFUSAL_WORDS } from './channelGate.ts';
import type { Limits } from './limits.ts';
import { isClaimedAlready, judgeParts } from './partGate.ts';
import { isFilled, type PurchaseRecord, type RefusalReason } from './record.ts';

/** Something the wallet turned away. */
export interface Refused {
  readonly what: 'channel' | 'payment';
  readonly reason: RefusalReason;
  readonly peer: NodeId | undefined;
  readonly paymentHash?: PaymentHash;
}

/** The gates of a client over its book: one decision at a time, so that no two of them count the same promise. */
export function gatekeeper(o: {
  readonly book: Book;
  readonly limits: Limits;
  /** Unix seconds. */
  readonly now: () => number;
  /** Must not throw. */
  readonly refused: (refused: Refused) => void;
}): Gates {
  const { book, limits, now } = o;
  /** Purchases whose claim was decided before a restart: the node may ask once more. */
  const unsure = new Set(book.all().flatMap(({ state, paymentHash }) => (state.tag === 'claiming' ? paymentHash : [])));

  const channelOffered = (offer: ChannelOffer): Promise<ChannelAnswer> =>
    book.turn<ChannelAnswer>(() => {
      const verdict = judgeChannel(offer, { records: book.all(), limits, now: now() });
      if (verdict.accept) {
        const record = {
          ...verdict.purchase,
          letIn: { offerId: offer.offerId },
          state: { tag: 'channelOpening' } as const,
        };
        return { records: [record], result: { accept: true, minimumDepth: 0 } };
      }
      const { reason, purchase } = verdict;
      o.refused({ what: 'channel', reason, peer: offer.peer });
      const told = purchase && reason !== 'not_bought' ? [refusedRecord(purchase, 'channel', reason)] : [];
      return { records: told, result: { accept: false, code: reason, message: REFUSAL_WORDS[reason] ?? reason } };
    });

  const partsArrived = (set: PartSet): Promise<'claim' | 'fail'> =>
    book.turn<'claim' | 'fail'>(() => {
      const { paymentHash, peer } = set;
      const record = book.of(paymentHash);
      if (record && unsure.has(paymentHash) && isClaimedAlready(set, record)) {
        unsure.delete(paymentHash);
        return { records: [], result: 'claim' };
      }
      const verdict = judgeParts(set, record, now());
      if (verdict.claim)
        return { records: verdict.record ? filled(book, verdict.record, set.channelId) : [], result: 'claim' };
      const { reason } = verdict;
      o.refused({ what: 'payment', reason, peer, paymentHash });
      const over = record === undefined || isFilled(record) || reason === 'cancelled' || reason === 'expired';
      return { records: over ? [] : [refusedRecord(record, 'payment', reason)], result: 'fail' };
    });

  /** Changes the record whose channel was offered under this id, if there is one. */
  const changeOffer = (offerId: string, change: (record: PurchaseRecord) => PurchaseRecord): Promise<void> =>
    book.turn(() => {
      const record = book.all().find(({ letIn }) => letIn?.offerId === offerId);
      return { records: record ? [change(record)] : [], result: undefined };
    });

  return {
    channelOffered,
    channelReady: ({ offerId, channelId }) =>
      changeOffer(offerId, (record) => ({ ...record, letIn: { offerId, channelId } })),
    // A channel that came to nothing frees its place: the LSP may open again (bLIP-52 section 5).
    channelGone: (offerId) =>
      changeOffer(offerId, (record) =>
        isFilled(record)
          ? record
          : {
              ...record,
              letIn: undefined,
              state: record.state.tag === 'channelOpening' ? { tag: 'waiting' } : record.state,
            },
      ),
    partsArrived,
    partsClaimed: ({ paymentHash }) =>
      book.turn(() => {
        const record = book.of(paymentHash);
        return { records: record && isFilled(record) ? [paidRecord(record)] : [], result: undefined };
      }),
  };
}

const refusedRecord = (record: PurchaseRecord, what: Refused['what'], reason: RefusalReason): PurchaseRecord => ({
  ...record,
  state: { tag: 'refused', what, reason },
});

const paidRecord = (record: PurchaseRecord): PurchaseRecord => {
  const { received, feePaid: fee } = record;
  return { ...record, state: { tag: 'paid', gross: msat(received + fee), fee, received } };
};

/** The purchase that a payment filled; when it came over the channel of another purchase, the two change places. */
function filled(book: Book, record: PurchaseRecord, channelId: ChannelId | undefined): readonly PurchaseRecord[] {
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
