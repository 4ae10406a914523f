import type { ChannelId, NodeId } from '../../core/ids.ts';
import { serial } from '../../core/serial.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gates } from '../../ports/gates.ts';
import type { KnownToClient } from '../../ports/walletNode.ts';
import type { Records } from '../parts/records.ts';
import type { ClnChannel, Lightningd } from './lightningd.ts';
import { channelFor, type Offer } from './offers.ts';

/** A peer that has left may just have funded the channel. */
const GONE_AFTER_LEAVING_MS = 5_000;
const LOOK_EVERY_MS = 1_000;

/** What becomes of the channels that were let in. */
export interface LetIn {
  /** Looks now: something was told of channels. */
  look(): void;
  /**
   * What this peer was negotiating came to nothing: it offers another one, and lightningd negotiates one at a time with each peer. Time alone
   * ends no negotiation: a peer that funds late would have one channel more than was bought.
   */
  next(peer: NodeId): Promise<void>;
  /** It left: what it was negotiating is over, unless it is a channel already. */
  left(peer: NodeId): void;
  tellAgain(known: KnownToClient['offers']): Promise<void>;
  close(): void;
}

export function letIn(o: {
  readonly cln: Lightningd;
  readonly offers: Records<Offer>;
  readonly clock: Clock;
  tell(news: (to: Gates) => Promise<void>): void;
  tellAgain(): void;
}): LetIn {
  const { cln, offers, clock } = o;
  const inTurn = serial();
  const failed = (cause: unknown) =>
    cln.log({ level: 'warn', event: 'cln.channels_unknown', fields: { cause: String(cause) } });
  const toldReady = new Set<string>();
  /** Told once: it is kept until the gates have taken it. */
  const toldEnd = new Set<string>();

  const leftAt = new Map<string, number>();
  // While we were away.
  for (const [offerId, { peer }] of offers.all()) if (!cln.isConnected(peer)) leftAt.set(offerId, clock.nowMs());
  const hasLeft = (offerId: string) => clock.nowMs() - (leftAt.get(offerId) ?? Infinity) > GONE_AFTER_LEAVING_MS;

  const taken = () => new Set<ChannelId>(offers.all().flatMap(([, { channelId }]) => channelId ?? []));

  function end(offerId: string, news: (to: Gates) => Promise<void>): void {
    if (toldEnd.has(offerId)) return;
    toldEnd.add(offerId);
    o.tell(async (to) => {
      await news(to);
      await offers.remove(offerId);
      toldEnd.delete(offerId);
      leftAt.delete(offerId);
    });
  }
  const gone = (offerId: string) => end(offerId, (to) => to.channelGone(offerId));

  async function look(isOver: (offer: Offer) => boolean): Promise<void> {
    const all = offers.all();
    if (all.length === 0) return;
    const channels = await cln.channels();
    for (const [offerId, offer] of all) {
      const channel = channelFor(offer, channels, taken());
      if (channel) await found(offerId, offer, channel);
      else if (offer.channelId !== undefined) closed(offerId, offer, { byPeer: false, ageBlocks: 0 });
      else if (isOver(offer) || hasLeft(offerId)) gone(offerId);
    }
  }

  async function found(offerId: string, offer: Offer, channel: ClnChannel): Promise<void> {
    const { channelId, state, closedByPeer } = channel;
    if (channelId === undefined) return;
    if (offer.channelId === undefined) await offers.put(offerId, { ...offer, channelId });
    if (state === 'normal') await ready(offerId, { ...offer, channelId });
    else if (state === 'closing') {
      const { readyAt } = offer;
      const ageBlocks = readyAt === undefined ? 0 : Math.max(0, (await cln.height()) - readyAt);
      closed(offerId, offer, { byPeer: closedByPeer, ageBlocks });
    }
  }

  async function ready(offerId: string, offer: Offer): Promise<void> {
    const { channelId } = offer;
    if (channelId === undefined || toldReady.has(offerId)) return;
    if (offer.readyAt === undefined) await offers.put(offerId, { ...offer, readyAt: await cln.height() });
    toldReady.add(offerId);
    o.tell((to) => to.channelReady({ offerId, channelId }));
  }

  function closed(
    offerId: string,
    { readyAt }: Offer,
    how: { readonly byPeer: boolean; readonly ageBlocks: number },
  ): void {
    if (readyAt === undefined) gone(offerId);
    else end(offerId, (to) => to.channelClosed({ offerId, ...how }));
  }

  const soon = () => void inTurn(() => look(() => false)).catch(failed);
  let stopped = false;
  let stop = () => undefined as void;
  function tick(): void {
    stop = clock.after(LOOK_EVERY_MS, () => {
      o.tellAgain();
      inTurn(() => look(() => false))
        .catch(failed)
        .finally(() => stopped || tick());
    });
  }
  tick();

  return {
    look: soon,
    next: (peer) => inTurn(() => look((offer) => offer.peer === peer)).catch(failed),
    left(peer) {
      for (const [offerId, each] of offers.all()) if (each.peer === peer) leftAt.set(offerId, clock.nowMs());
    },
    tellAgain: (known) =>
      inTurn(async () => {
        for (const { offerId } of known) {
          toldReady.delete(offerId);
          if (!offers.get(offerId)) gone(offerId);
        }
        await look(() => false);
      }),
    close() {
      stopped = true;
      stop();
    },
  };
}
