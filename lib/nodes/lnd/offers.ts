import type { NodeId } from '../../core/ids.ts';
import type { Store } from '../../ports/store.ts';
import type { Channel } from '../../generated/lnd/lightning.ts';
import { capacityOf, peerOf } from './channels.ts';
import { type Loaded, type Records, records } from '../parts/records.ts';

/** A channel that was let in. lnd does not say which channel became of which offer: peer, capacity and kind tell. */
export interface Offer {
  readonly peer: NodeId;
  readonly capacity: bigint;
  readonly zeroConf: boolean;
  /** Milliseconds. */
  readonly since: number;
  /** Channels with this peer that were there before: none of them is it. */
  readonly older: readonly string[];
  /** `txid:vout`, once it is there. */
  readonly channelPoint?: string;
  /** Height at which it was ready. */
  readonly readyAt?: number;
}

const isOffer = (record: unknown): record is Offer =>
  typeof record === 'object' && record !== null && 'peer' in record && 'capacity' in record;

export const offerRecords = (store: Store, loaded: Loaded): Records<Offer> =>
  records(store, loaded, { prefix: 'lnd/offer/', check: isOffer });

/** The oldest offer that a channel can be, and whose channel is not known yet. */
export function offerFor(offers: Records<Offer>, channel: Channel): readonly [id: string, offer: Offer] | undefined {
  if (channel.initiator) return undefined;
  const [peer, capacity] = [peerOf(channel), capacityOf(channel)];
  return offers
    .all()
    .filter(
      ([, each]) =>
        each.channelPoint === undefined &&
        !each.older.includes(channel.channelPoint) &&
        each.peer === peer &&
        each.capacity === capacity &&
        each.zeroConf === channel.zeroConf,
    )
    .sort(([, a], [, b]) => a.since - b.since)[0];
}

export const offerOf = (
  offers: Records<Offer>,
  channelPoint: string,
): readonly [id: string, offer: Offer] | undefined =>
  offers.all().find(([, each]) => each.channelPoint === channelPoint);
