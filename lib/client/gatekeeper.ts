import { msat } from '../core/amount.ts';
import type { NodeId, PaymentHash } from '../core/ids.ts';
import type { ChainView } from '../ports/chainView.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChannelAnswer, ChannelOffer, ClosedChannel, Gates, PartsAnswer, PartSet } from '../ports/gates.ts';
import type { Log } from '../ports/log.ts';
import type { Book } from './book.ts';
import { judgeChannel, minimumDepthOf, REFUSAL_WORDS } from './channelGate.ts';
import { type Unseen, unseenFor, waitForFunding, wantedDepth } from './fundingGate.ts';
import type { Limits } from './limits.ts';
import { isClaimedAlready, judgeParts } from './partGate.ts';
import { isFilled, isOpen, type LetIn, NOTHING, type PurchaseRecord, restingState } from './record.ts';
import { amountsOf, expiredRecord, filled, gaveBack, heldRecord, paidRecord, refusedRecord } from './transitions.ts';
import type { RefusalReason } from './state.ts';

/** Something the wallet turned away. */
export interface Refused {
  readonly what: 'channel' | 'payment';
  readonly reason: RefusalReason;
  readonly peer: NodeId | undefined;
  readonly paymentHash?: PaymentHash;
}

export interface GatekeeperInit {
  readonly book: Book;
  readonly limits: Limits;
  readonly chain: ChainView | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Must not throw. */
  readonly refused: (refused: Refused) => void;
}

/** The gates of a client over its book: one decision at a time, so that no two of them count the same promise. */
export function gatekeeper(o: GatekeeperInit): Gates {
  const { book, limits } = o;
  const now = () => Math.floor(o.clock.nowMs() / 1000);
  /** Purchases whose claim was decided before a restart: the node may ask once more. */
  const unsure = new Set(book.all().flatMap(({ state, paymentHash }) => (state.tag === 'claiming' ? paymentHash : [])));

  /** Payments that wait here, and whether the node has given them back meanwhile. */
  const waiting = new Map<PaymentHash, 'here' | 'gone'>();

  const channelOffered = (offer: ChannelOffer): Promise<ChannelAnswer> =>
    book.turn<ChannelAnswer>(() => {
      const verdict = judgeChannel(offer, { records: book.all(), limits, now: now() });
      if (verdict.accept) {
        const minimumDepth = minimumDepthOf(verdict.purchase);
        const depth = wantedDepth(verdict.purchase);
        const letIn: LetIn = { offerId: offer.offerId, minimumDepth, ...(depth < 0 ? {} : { depth }) };
        const record = { ...verdict.purchase, letIn, state: { tag: 'channelOpening' } as const };
        return { records: [record], result: { accept: true, minimumDepth } };
      }
      const { reason, purchase } = verdict;
      o.refused({ what: 'channel', reason, peer: offer.peer });
      const told = purchase && reason !== 'not_bought' ? [refusedRecord(purchase, { what: 'channel', reason })] : [];
      return { records: told, result: { accept: false, code: reason, message: REFUSAL_WORDS[reason] ?? reason } };
    });

  /** Judges a payment; the first time what it must wait for is told, and nothing is counted before. */
  const judged = (set: PartSet, wait: boolean): Promise<PartsAnswer | 'wait'> =>
    book.turn<PartsAnswer | 'wait'>(() => {
      const { paymentHash } = set;
      const record = book.of(paymentHash);
      // What was held in time is not late because its preimage, or this client, came later.
      const at = record?.heldAt ?? now();
      if (!wait && waiting.get(paymentHash) === 'gone') return { records: [], result: 'fail' };
      if (record && unsure.has(paymentHash) && isClaimedAlready(set, record)) {
        unsure.delete(paymentHash);
        return { records: [], result: answerOf(record) };
      }
      const verdict = judgeParts(set, record, at);
      if (!verdict.claim) return refusal(set, verdict.reason);
      const until = unseenFor(set, book.all()).length > 0 ? 'funding' : 'preimage';
      if (wait && (until === 'funding' || lacksPreimage(record))) {
        const held = record && isOpen(record) ? [heldRecord({ ...record, heldAt: at }, until, amountsOf(set))] : [];
        waiting.set(paymentHash, 'here');
        return { records: held, result: 'wait' };
      }
      if (!verdict.record) return { records: [], result: 'claim' };
      return { records: filled(book, verdict.record, set.channelId), result: answerOf(verdict.record) };
    });

  function refusal(set: PartSet, reason: RefusalReason) {
    const { paymentHash, peer } = set;
    o.refused({ what: 'payment', reason, peer, paymentHash });
    const record = book.of(paymentHash);
    if (record === undefined || !isOpen(record)) return { records: [], result: 'fail' as const };
    const refused = refusedRecord(record, { what: 'payment', reason, ...amountsOf(set) });
    return { records: [reason === 'expired' ? expiredRecord(record) : refused], result: 'fail' as const };
  }

  async function partsArrived(set: PartSet): Promise<PartsAnswer> {
    // What is let in later cannot have carried it.
    const unseen = unseenFor(set, book.all());
    const first = await judged(set, true);
    if (first !== 'wait') return first;
    try {
      return await afterWaiting(set, unseen);
    } finally {
      waiting.delete(set.paymentHash);
    }
  }

  async function afterWaiting(set: PartSet, unseen: readonly Unseen[]): Promise<PartsAnswer> {
    const { paymentHash } = set;
    const missing = await waitForFunding(unseen, o);
    if (missing) return book.turn(() => refusal(set, missing));
    if (lacksPreimage(book.of(paymentHash))) {
      await book.turn(() => {
        const record = book.of(paymentHash);
        const held = record && isOpen(record) && waiting.get(paymentHash) === 'here';
        return { records: held ? [heldRecord(record, 'preimage', amountsOf(set))] : [], result: undefined };
      });
      const isOver = (each?: PurchaseRecord) => !lacksPreimage(each) || each?.state.tag === 'cancelled';
      await book.until(paymentHash, (each) => isOver(each) || waiting.get(paymentHash) === 'gone');
    }
    const last = await judged(set, false);
    return last === 'wait' ? 'fail' : last;
  }

  /** Changes the record whose channel was offered under this id, if there is one. */
  const changeOffer = (
    offerId: string,
    change: (record: PurchaseRecord, letIn: LetIn) => PurchaseRecord | undefined,
  ): Promise<void> =>
    book.turn(() => {
      const record = book.all().find(({ letIn }) => letIn?.offerId === offerId);
      const next = record?.letIn && change(record, record.letIn);
      return { records: next ? [next] : [], result: undefined };
    });

  return {
    channelOffered,
    channelReady: ({ offerId, channelId, funding, takesFees }) =>
      changeOffer(offerId, (record, letIn) => {
        const known = { ...record, letIn: { ...letIn, channelId, ...(funding ? { funding } : {}) } };
        if (takesFees === false && isOpen(record))
          return refusedRecord(known, { what: 'channel', reason: 'fees_not_taken' });
        return letIn.channelId === channelId && (letIn.funding !== undefined || !funding) ? undefined : known;
      }),
    // A channel that came to nothing frees its place: the LSP may open again (bLIP-52 section 5).
    channelGone: (offerId) =>
      changeOffer(offerId, (record) => {
        if (isFilled(record)) return undefined;
        const state = record.state.tag === 'channelOpening' ? { tag: 'waiting' as const } : record.state;
        return { ...record, letIn: undefined, state };
      }),
    channelClosed: ({ offerId, byPeer, ageBlocks }: ClosedChannel) =>
      changeOffer(offerId, (record, letIn) => {
        if (!isFilled(record)) return { ...record, letIn: undefined, state: freed(record) };
        const closed = { ...record, letIn: { ...letIn, closed: true } };
        const early = byPeer && ageBlocks < record.minLifetimeBlocks && !record.alerts?.includes('closed_early');
        return early ? { ...closed, alerts: [...(record.alerts ?? []), 'closed_early'] } : closed;
      }),
    partsHeld: ({ paymentHash, received }) =>
      book.turn(() => {
        const record = book.of(paymentHash);
        const open = record && isOpen(record) && (record.state.tag !== 'held' || record.state.until === 'parts');
        const amounts = { gross: received, fee: NOTHING, received };
        return { records: open ? [heldRecord(record, 'parts', amounts)] : [], result: undefined };
      }),
    partsGone: (paymentHash) =>
      book.turn(() => {
        if (waiting.has(paymentHash)) waiting.set(paymentHash, 'gone');
        const record = book.of(paymentHash);
        return { records: record ? gaveBack(record) : [], result: undefined };
      }),
    partsArrived,
    partsClaimed: ({ paymentHash, received }) =>
      book.turn(() => {
        const record = book.of(paymentHash);
        if (!record) return { records: [], result: undefined };
        // Money that was taken without this gate is money all the same.
        const counted = isFilled(record) ? record : { ...record, received: msat(record.received + received) };
        return { records: [paidRecord(counted, now())], result: undefined };
      }),
  };
}

const lacksPreimage = (record: PurchaseRecord | undefined): boolean =>
  record?.own !== undefined && record.own.preimage === undefined;

const answerOf = ({ own }: PurchaseRecord): PartsAnswer =>
  own?.preimage === undefined ? 'claim' : { preimage: own.preimage };

const freed = (record: PurchaseRecord): PurchaseRecord['state'] =>
  record.state.tag === 'channelOpening' ? restingState({ ...record, letIn: undefined }) : record.state;
