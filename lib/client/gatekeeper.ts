import type { NodeId, PaymentHash } from '../core/ids.ts';
import type { ChainView } from '../ports/chainView.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChannelAnswer, ChannelOffer, ClosedChannel, Gates, PartsAnswer, PartSet } from '../ports/gates.ts';
import type { Log } from '../ports/log.ts';
import type { Book, Change } from './book.ts';
import { judgeChannel, minimumDepthOf, REFUSAL_WORDS } from './channelGate.ts';
import { lostChannels, type Unseen, unseenFor, waitForFunding, wantedDepth } from './fundingGate.ts';
import type { Limits } from './limits.ts';
import { isClaimedAlready, judgeParts } from './partGate.ts';
import { isFilled, isOpen, type LetIn, NOTHING, type PurchaseRecord, restingState } from './record.ts';
import {
  alerted,
  amountsOf,
  expiredRecord,
  filled,
  gaveBack,
  heldRecord,
  paidRecord,
  partlyTaken,
  refusedRecord,
  takenUnasked,
} from './transitions.ts';
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

  /** Sets that wait here: two may have one hash. */
  const waiting = new Set<Waiting>();

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
      const after = () => o.refused({ what: 'channel', reason, peer: offer.peer });
      const told = purchase && reason !== 'not_bought' ? [refusedRecord(purchase, { what: 'channel', reason })] : [];
      return {
        records: told,
        result: { accept: false, code: reason, message: REFUSAL_WORDS[reason] ?? reason },
        after,
      };
    });

  /** Judges a payment; the first time it is told what it must wait for, and nothing is counted before. */
  const judged = (set: PartSet, mine?: Waiting): Promise<PartsAnswer | Waiting> =>
    book.turn<PartsAnswer | Waiting>(() => {
      const { after, ...judgement } = judge(set, mine);
      return {
        ...judgement,
        after() {
          if (mine) waiting.delete(mine);
          after?.();
        },
      };
    });

  function judge(set: PartSet, mine: Waiting | undefined): Change<PartsAnswer | Waiting> {
    const { paymentHash } = set;
    const record = book.of(paymentHash);
    // What was held in time is not late because its preimage, or this client, came later.
    const at = record?.heldAt ?? now();
    if (mine?.gone) return { records: [], result: 'fail' };
    if (record && unsure.has(paymentHash) && isClaimedAlready(set, record)) {
      return { records: [], result: answerOf(record), after: () => void unsure.delete(paymentHash) };
    }
    const verdict = judgeParts(set, record, at);
    if (!verdict.claim) return refusal(set, verdict.reason);
    const unseen = unseenFor(set, book.all(), now());
    const until = unseen.length > 0 ? 'funding' : 'preimage';
    if (!mine && (until === 'funding' || lacksPreimage(record))) {
      const held = record && isOpen(record) ? [heldRecord({ ...record, heldAt: at }, until, amountsOf(set))] : [];
      const wait: Waiting = { set, unseen, gone: false };
      return { records: held, result: wait, after: () => void waiting.add(wait) };
    }
    if (!verdict.record) return { records: [], result: 'claim' };
    return { records: filled(book, verdict.record, set.channelId), result: answerOf(verdict.record) };
  }

  function refusal(set: PartSet, reason: RefusalReason) {
    const { paymentHash, peer } = set;
    const after = () => o.refused({ what: 'payment', reason, peer, paymentHash });
    const record = book.of(paymentHash);
    if (record === undefined || !isOpen(record)) return { records: [], result: 'fail' as const, after };
    const refused = refusedRecord(record, { what: 'payment', reason, ...amountsOf(set) });
    return { records: [reason === 'expired' ? expiredRecord(record) : refused], result: 'fail' as const, after };
  }

  async function partsArrived(set: PartSet): Promise<PartsAnswer> {
    const first = await judged(set);
    if (!isWaiting(first)) return first;
    try {
      return await afterWaiting(first);
    } finally {
      waiting.delete(first);
    }
  }

  async function afterWaiting(mine: Waiting): Promise<PartsAnswer> {
    const { set, unseen } = mine;
    const { paymentHash } = set;
    const missing = await waitForFunding(unseen, o);
    if (missing) return mine.gone ? 'fail' : book.turn(() => refusal(set, missing));
    if (lacksPreimage(book.of(paymentHash))) {
      await book.turn(() => {
        const record = book.of(paymentHash);
        const held = record && isOpen(record) && !mine.gone;
        return { records: held ? [heldRecord(record, 'preimage', amountsOf(set))] : [], result: undefined };
      });
      const isOver = (each?: PurchaseRecord) => !lacksPreimage(each) || each?.state.tag === 'cancelled';
      await book.until(paymentHash, (each) => isOver(each) || mine.gone);
    }
    const last = await judged(set, mine);
    return isWaiting(last) ? 'fail' : last;
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
      changeOffer(offerId, (record, letIn) => {
        if (isFilled(record)) return { ...record, letIn: { ...letIn, closed: true } };
        return { ...record, letIn: undefined, ...lostChannels(record, now()), state: freed(record) };
      }),
    channelClosed: ({ offerId, byPeer, ageBlocks }: ClosedChannel) =>
      changeOffer(offerId, (record, letIn) => {
        if (!isFilled(record))
          return { ...record, letIn: undefined, ...lostChannels(record, now()), state: freed(record) };
        const closed = { ...record, letIn: { ...letIn, closed: true } };
        const early = byPeer && ageBlocks < record.minLifetimeBlocks;
        const known = alerted(closed, early ? 'closed_early' : undefined);
        return alerted(known, record.state.tag === 'claiming' ? 'closed_while_claiming' : undefined);
      }),
    partsHeld: ({ paymentHash, received }) =>
      book.turn(() => {
        const record = book.of(paymentHash);
        const open = record && isOpen(record) && (record.state.tag !== 'held' || record.state.until === 'parts');
        const amounts = { gross: received, fee: NOTHING, received };
        return { records: open ? [heldRecord(record, 'parts', amounts)] : [], result: undefined };
      }),
    partsGone: ({ paymentHash, received, extraFee }) =>
      book.turn(() => {
        const record = book.of(paymentHash);
        const mine = [...waiting].find(
          ({ set, gone }) =>
            !gone &&
            set.paymentHash === paymentHash &&
            set.received === (received ?? set.received) &&
            set.extraFee === (extraFee ?? set.extraFee),
        );
        // Without amounts nothing is uncounted but what was counted before this client: parts that never were a set stand for no claim.
        const isCounted = !mine && (received !== undefined || unsure.has(paymentHash));
        const after = () => {
          if (mine) mine.gone = true;
          else unsure.delete(paymentHash);
        };
        const counted = isCounted ? { received, extraFee } : undefined;
        return { records: record ? gaveBack(record, counted) : [], result: undefined, after };
      }),
    partsArrived,
    partsClaimed: ({ paymentHash, received, extraFee, missing }) =>
      book.turn(() => {
        const record = book.of(paymentHash);
        const after = () => void unsure.delete(paymentHash);
        if (!record) return { records: [], result: undefined, after };
        // Money that was taken without this gate is money all the same.
        const counted = isFilled(record) ? partlyTaken(record, missing) : takenUnasked(record, received, extraFee);
        return { records: [paidRecord(counted, now())], result: undefined, after };
      }),
  };
}

/** A set that was judged and is not counted yet. */
interface Waiting {
  readonly set: PartSet;
  /** Channels whose funding was to be seen when it came; what is let in later cannot have carried it. */
  readonly unseen: readonly Unseen[];
  /** The node gave it back meanwhile. */
  gone: boolean;
}

const isWaiting = (answer: PartsAnswer | Waiting): answer is Waiting => typeof answer === 'object' && 'set' in answer;

const lacksPreimage = (record: PurchaseRecord | undefined): boolean =>
  record?.own !== undefined && record.own.preimage === undefined;

const answerOf = ({ own }: PurchaseRecord): PartsAnswer =>
  own?.preimage === undefined ? 'claim' : { preimage: own.preimage };

const freed = (record: PurchaseRecord): PurchaseRecord['state'] =>
  record.state.tag === 'channelOpening' ? restingState({ ...record, letIn: undefined }) : record.state;
