import { serial } from '../../core/serial.ts';
import type { Channel, ChannelCloseSummary } from '../../generated/lnd/lightning.ts';
import { Initiator } from '../../generated/lnd/lightning.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gates } from '../../ports/gates.ts';
import type { KnownToClient } from '../../ports/walletNode.ts';
import { follow, type Following } from '../grpc/calls.ts';
import { channelIdOf, listChannels } from './channels.ts';
import type { Lnd } from './lnd.ts';
import { type Offer, offerFor, offerOf } from './offers.ts';
import type { Records } from '../parts/records.ts';

/**
 * lnd says nothing of a negotiation that came to nothing; it ends one itself after ten minutes, and a peer may fund until then. Sooner it is over
 * where the peer offers another channel, as an LSP does at once that wants it larger: lnd has one negotiation with a peer at a time, and refuses
 * a second one unasked, unless it was told otherwise (`maxpendingchannels`).
 */
const GONE_AFTER_MS = 660_000;
const LOOK_EVERY_MS = 2_000;

/** What becomes of the channels that were let in. */
export interface LetIn {
  readonly begun: Promise<void>;
  readonly ready: Following['ready'];
  /** Looks which offers came to nothing: of a peer that hung up, or that offers another channel. */
  look(peer: string, why: 'left' | 'next'): Promise<void>;
  gone(offerId: string): void;
  /** Tells once more what became of offers. */
  tellAgain(offers: KnownToClient['offers']): Promise<void>;
  close(): void;
}

export function letIn(o: {
  readonly lnd: Lnd;
  readonly offers: Records<Offer>;
  readonly clock: Clock;
  tell(news: (to: Gates) => Promise<void>): void;
  /** Tells once more what the gates would not take. */
  tellAgain(): void;
}): LetIn {
  const { lnd, offers } = o;
  const { lightning } = lnd;
  const failed = (cause: unknown) =>
    lnd.log({ level: 'warn', event: 'lnd.channel_event_failed', fields: { cause: String(cause) } });

  /** Its own list and its stream tell of one channel each: the gates hear of it once. */
  async function opened(channel: Channel): Promise<void> {
    const { channelPoint } = channel;
    if (offerOf(offers, channelPoint)) return;
    const [offerId, offer] = offerFor(offers, channel) ?? [];
    if (offerId === undefined || offer === undefined) return;
    await offers.put(offerId, { ...offer, channelPoint, readyAt: await lnd.height() });
    ready(offerId, channelPoint);
  }
  const ready = (offerId: string, channelPoint: string) =>
    o.tell((to) => to.channelReady({ offerId, channelId: channelIdOf(channelPoint) }));

  async function closed({ channelPoint, closeHeight, closeInitiator }: ChannelCloseSummary): Promise<void> {
    const [offerId, offer] = offerOf(offers, channelPoint) ?? [];
    if (offerId === undefined || offer === undefined) return;
    const byPeer = closeInitiator === Initiator.REMOTE;
    const ageBlocks = Math.max(0, closeHeight - (offer.readyAt ?? closeHeight));
    o.tell(async (to) => {
      await to.channelClosed({ offerId, byPeer, ageBlocks });
      await offers.remove(offerId);
    });
  }

  /** Told once: it is kept until the gates have taken it. */
  const toldGone = new Set<string>();
  function gone(offerId: string): void {
    if (toldGone.has(offerId)) return;
    toldGone.add(offerId);
    o.tell(async (to) => {
      await to.channelGone(offerId);
      await offers.remove(offerId);
      toldGone.delete(offerId);
    });
  }

  /** Channels that are being opened, by channel point. */
  const pending = async () => {
    const { pendingOpenChannels } = await lnd.call('PendingChannels', lightning.pendingChannels.bind(lightning), {});
    return pendingOpenChannels.flatMap(({ channel }) => channel ?? []);
  };

  async function look(peer?: string, why?: 'left' | 'next'): Promise<void> {
    const open = offers.all().filter(([, each]) => each.channelPoint === undefined);
    const asked = open.filter(([, each]) => peer === undefined || each.peer === peer);
    if (asked.length === 0) return;
    // What is opening may be open a moment later: in this order it is seen in one of the two.
    const opening = await pending();
    for (const channel of await listChannels(lnd)) await opened(channel);
    const wait = why === undefined ? GONE_AFTER_MS : 0;
    for (const [offerId, offer] of asked) {
      if (offers.get(offerId)?.channelPoint !== undefined) continue;
      const isOpening = opening.some(
        ({ remoteNodePub, capacity }) => remoteNodePub === offer.peer && capacity === offer.capacity,
      );
      if (!isOpening && o.clock.nowMs() - offer.since >= wait) gone(offerId);
    }
  }
  /** One at a time: two that look at once would see each other's halves. */
  const inTurn = serial();
  const lookInTurn = (peer?: string, why?: 'left' | 'next') => inTurn(() => look(peer, why));

  const events = follow({
    name: 'SubscribeChannelEvents',
    where: lnd.where,
    isUp: lnd.isUp,
    ping: lnd.height,
    open: () => lightning.subscribeChannelEvents({}, lnd.metadata()),
    stands: () => void lookInTurn().catch(failed),
    heard({ channel }) {
      if (channel?.$case === 'openChannel') inTurn(() => opened(channel.value)).catch(failed);
      else if (channel?.$case === 'closedChannel') inTurn(() => closed(channel.value)).catch(failed);
    },
    cut: (error) =>
      lnd.log({ level: 'warn', event: 'lnd.stream_cut', fields: { stream: 'channels', cause: error.message } }),
  });

  let over = false;
  let stop = () => undefined as void;
  const tick = () => {
    stop = o.clock.after(LOOK_EVERY_MS, () => {
      o.tellAgain();
      lookInTurn()
        .catch(failed)
        .finally(() => over || tick());
    });
  };
  tick();

  return {
    begun: events.begun,
    ready: events.ready,
    look: lookInTurn,
    gone,
    tellAgain: (known) =>
      inTurn(async () => {
        const channels = new Map((await listChannels(lnd)).map((each) => [each.channelPoint, each]));
        const opening = await pending();
        for (const { offerId } of known) {
          const offer = offers.get(offerId);
          const channel = offer?.channelPoint === undefined ? undefined : channels.get(offer.channelPoint);
          if (channel) ready(offerId, channel.channelPoint);
          else if (!offer) gone(offerId);
          // It closed while nobody listened; how is not known, so nobody is blamed.
          else if (
            offer.channelPoint !== undefined &&
            !opening.some((each) => each.channelPoint === offer.channelPoint)
          )
            o.tell((to) => to.channelClosed({ offerId, byPeer: false, ageBlocks: 0 }));
        }
        await look();
      }),
    close() {
      over = true;
      stop();
      events.stop();
    },
  };
}
