import type { Channel, ChannelCloseSummary } from '../../generated/lnd/lightning.ts';
import { Initiator } from '../../generated/lnd/lightning.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gates } from '../../ports/gates.ts';
import type { KnownToClient } from '../../ports/walletNode.ts';
import { follow } from '../grpc/calls.ts';
import { channelIdOf, listChannels } from './channels.ts';
import type { Lnd } from './lnd.ts';
import { type Offer, offerFor, offerOf } from './offers.ts';
import type { Records } from './records.ts';

/** lnd says nothing of a negotiation that came to nothing. One that is neither pending nor open after so long did. */
const GONE_AFTER_MS = 10_000;
const LOOK_EVERY_MS = 2_000;

/** What becomes of the channels that were let in. */
export interface LetIn {
  readonly begun: Promise<void>;
  /** Looks which offers of a peer (or of all) came to nothing. `left`: the peer hung up, which ends its negotiations at once. */
  look(peer?: string, left?: boolean): Promise<void>;
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
}): LetIn {
  const { lnd, offers } = o;
  const { lightning } = lnd;
  const failed = (cause: unknown) =>
    lnd.log({ level: 'warn', event: 'lnd.channel_event_failed', fields: { cause: String(cause) } });

  async function opened(channel: Channel): Promise<void> {
    const { channelPoint } = channel;
    const found = offerOf(offers, channelPoint) ?? offerFor(offers, channel);
    if (!found) return;
    const [offerId, offer] = found;
    const known = { ...offer, channelPoint, readyAt: offer.readyAt ?? (await lnd.height()) };
    await offers.put(offerId, known);
    o.tell((to) => to.channelReady({ offerId, channelId: channelIdOf(channelPoint) }));
  }

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

  function gone(offerId: string): void {
    o.tell(async (to) => {
      await to.channelGone(offerId);
      await offers.remove(offerId);
    });
  }

  /** Channels that are being opened, by channel point. */
  const pending = async () => {
    const { pendingOpenChannels } = await lnd.call('PendingChannels', lightning.pendingChannels.bind(lightning), {});
    return pendingOpenChannels.flatMap(({ channel }) => channel ?? []);
  };

  async function look(peer?: string, left = false): Promise<void> {
    const open = offers.all().filter(([, each]) => each.channelPoint === undefined);
    const asked = open.filter(([, each]) => peer === undefined || each.peer === peer);
    if (asked.length === 0) return;
    for (const channel of await listChannels(lnd)) if (offerFor(offers, channel)) await opened(channel);
    const opening = await pending();
    for (const [offerId, offer] of asked) {
      if (offers.get(offerId)?.channelPoint !== undefined) continue;
      const isOpening = opening.some(
        ({ remoteNodePub, capacity }) => remoteNodePub === offer.peer && capacity === offer.capacity,
      );
      if (!isOpening && (left || o.clock.nowMs() - offer.since > GONE_AFTER_MS)) gone(offerId);
    }
  }

  const events = follow({
    name: 'SubscribeChannelEvents',
    where: lnd.where,
    isUp: lnd.isUp,
    open: () => lightning.subscribeChannelEvents({}, lnd.metadata()),
    opened: () => void look().catch(failed),
    heard({ channel }) {
      if (channel?.$case === 'openChannel') opened(channel.value).catch(failed);
      else if (channel?.$case === 'closedChannel') closed(channel.value).catch(failed);
    },
    cut: (error) =>
      lnd.log({ level: 'warn', event: 'lnd.stream_cut', fields: { stream: 'channels', cause: error.message } }),
  });

  let over = false;
  let stop = () => undefined as void;
  const tick = () => {
    stop = o.clock.after(LOOK_EVERY_MS, () => {
      look()
        .catch(failed)
        .finally(() => over || tick());
    });
  };
  tick();

  return {
    begun: events.begun,
    look,
    gone,
    async tellAgain(known) {
      const channels = new Map((await listChannels(lnd)).map((each) => [each.channelPoint, each]));
      const opening = await pending();
      for (const { offerId } of known) {
        const offer = offers.get(offerId);
        const channel = offer?.channelPoint === undefined ? undefined : channels.get(offer.channelPoint);
        if (channel) await opened(channel);
        else if (!offer) gone(offerId);
        // It closed while nobody listened; how is not known, so nobody is blamed.
        else if (offer.channelPoint !== undefined && !opening.some((each) => each.channelPoint === offer.channelPoint))
          o.tell((to) => to.channelClosed({ offerId, byPeer: false, ageBlocks: 0 }));
      }
      await look();
    },
    close() {
      over = true;
      stop();
      events.stop();
    },
  };
}
