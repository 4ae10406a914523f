import { msat } from '../core/amount.ts';
import type { NodeId, PaymentHash } from '../core/ids.ts';
import { serial } from '../core/serial.ts';
import type { ChannelOffer, Gates, PartSet } from '../ports/gates.ts';
import type { Log } from '../ports/log.ts';
import type { Book } from './book.ts';
import { awaitsChannel, judgeChannel, type Slot } from './channelGate.ts';
import type { Limits } from './limits.ts';
import { judgeParts } from './partGate.ts';
import type { PurchaseRecord, RefusalReason } from './record.ts';

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
  readonly log: Log;
  /** Unix seconds. */
  readonly now: () => number;
  readonly refused: (refused: Refused) => void;
}): Gates {
  const { book, limits, log, now } = o;
  const slots = new Map<string, Slot>();
  const inTurn = serial();

  function tell(refused: Refused): void {
    log({ level: 'warn', event: 'client.refused', fields: { what: refused.what, reason: refused.reason } });
    o.refused(refused);
  }

  async function channelOffered(offer: ChannelOffer) {
    const others = [...slots].filter(([id]) => id !== offer.offerId).map(([, slot]) => slot);
    const answer = judgeChannel(offer, { records: book.all(), slots: others, limits, now: now() });
    const bought = book.all().find((record) => record.lsp === offer.peer && awaitsChannel(record, now()));
    if (answer.accept) {
      slots.set(offer.offerId, { lsp: offer.peer });
      if (bought?.state.tag === 'waiting') await book.put({ ...bought, state: { tag: 'channelOpening' } });
      return answer;
    }
    slots.delete(offer.offerId);
    const reason = answer.reason ?? 'not_bought';
    tell({ what: 'channel', reason, peer: offer.peer });
    if (bought && reason !== 'not_bought')
      await book.put({ ...bought, state: { tag: 'refused', what: 'channel', reason } });
    return answer;
  }

  /** The purchase has its channel: the place it took is free, whichever of the LSP's channels the node used. */
  function fill({ lsp, channelId }: PurchaseRecord): void {
    const places = [...slots].filter(([, slot]) => slot.lsp === lsp);
    const [place] = places.find(([, slot]) => slot.channelId === channelId) ?? places[0] ?? [];
    if (place !== undefined) slots.delete(place);
  }

  async function partsArrived(set: PartSet): Promise<'claim' | 'fail'> {
    const record = book.of(set.paymentHash);
    const verdict = judgeParts(set, record);
    if (verdict.claim) {
      if (verdict.record) {
        await book.put(verdict.record);
        if (record?.channelId === undefined) fill(verdict.record);
      }
      return 'claim';
    }
    const { reason } = verdict;
    if (record && reason !== 'cancelled')
      await book.put({ ...record, state: { tag: 'refused', what: 'payment', reason } });
    tell({ what: 'payment', reason, peer: set.peer, paymentHash: set.paymentHash });
    return 'fail';
  }

  async function partsClaimed(paymentHash: PaymentHash): Promise<void> {
    const record = book.of(paymentHash);
    if (record?.state.tag !== 'claiming') return;
    const { received, fee } = record.state;
    await book.put({ ...record, state: { tag: 'paid', gross: msat(received + fee), fee, received } });
  }

  return {
    channelOffered: (offer) => inTurn(() => channelOffered(offer)),
    channelGone: (offerId) =>
      inTurn(async () => {
        const slot = slots.get(offerId);
        slots.delete(offerId);
        const opening = slot && book.all().find((r) => r.lsp === slot.lsp && r.state.tag === 'channelOpening');
        if (opening) await book.put({ ...opening, state: { tag: 'waiting' } });
      }),
    channelReady: ({ offerId, channelId }) =>
      inTurn(async () => {
        const slot = slots.get(offerId);
        if (slot) slots.set(offerId, { ...slot, channelId });
      }),
    partsArrived: (set) => inTurn(() => partsArrived(set)),
    partsClaimed: ({ paymentHash }) => inTurn(() => partsClaimed(paymentHash)),
  };
}
