import type { Sat } from '../../core/amount.ts';
import type { ChannelId, NodeId } from '../../core/ids.ts';
import type { Store } from '../../ports/store.ts';
import { type Loaded, type Records, records } from '../parts/records.ts';
import type { ClnChannel } from './lightningd.ts';

/** A channel that was let in. lightningd does not say which channel became of which offer: peer, capacity and age tell. */
export interface Offer {
  readonly peer: NodeId;
  readonly capacity: Sat;
  /** Milliseconds. */
  readonly since: number;
  /** Channels with this peer that were there before: none of them is it. */
  readonly older: readonly ChannelId[];
  readonly channelId?: ChannelId;
  /** Height at which it was ready. */
  readonly readyAt?: number;
}

const isOffer = (record: unknown): record is Offer =>
  typeof record === 'object' && record !== null && 'peer' in record && 'capacity' in record;

export const offerRecords = (store: Store, loaded: Loaded): Records<Offer> =>
  records(store, loaded, { prefix: 'cln/offer/', check: isOffer });

const MSAT_PER_SAT = 1000n;

/** The channel that became of an offer, among those that belong to no other. */
export function channelFor(
  { peer, capacity, older, channelId: known }: Offer,
  channels: readonly ClnChannel[],
  taken: ReadonlySet<ChannelId>,
): ClnChannel | undefined {
  if (known !== undefined) return channels.find(({ channelId }) => channelId === known);
  return channels.find(
    (each) =>
      each.openedByPeer &&
      each.peer === peer &&
      each.capacity === capacity * MSAT_PER_SAT &&
      each.channelId !== undefined &&
      !older.includes(each.channelId) &&
      !taken.has(each.channelId),
  );
}
