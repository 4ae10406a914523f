import { formatScid } from '../core/scid.ts';
import type { Order, Purchase, PurchaseInput } from '../session/purchase.ts';
import type { Context } from './context.ts';
import { persist } from './retry.ts';

// Orders of the session, carried out on the node. What comes of them goes back as an input; nothing here throws.

export interface Outlet {
  /** The purchase as it was saved. */
  readonly purchase: Purchase;
  /** Queues what came of an order. */
  back(input: PurchaseInput): void;
  /** Whether the purchase still runs. */
  alive(): boolean;
}

/** The key under which the node knows the channel of a purchase. */
export const channelKey = (purchase: Purchase): string => formatScid(purchase.offer.scid);

export async function carryOut(context: Context, outlet: Outlet, order: Order): Promise<void> {
  const { scid } = outlet.purchase.offer;
  try {
    await DOERS[order.tag](context, outlet, order as never);
  } catch (cause) {
    context.emit('trouble', { scid, what: order.tag, cause });
  }
}

type Doer<Tag extends Order['tag']> = (
  context: Context,
  outlet: Outlet,
  order: Extract<Order, { readonly tag: Tag }>,
) => Promise<void>;

const DOERS: { readonly [Tag in Order['tag']]: Doer<Tag> } = {
  wakeClient: async ({ emit }, { purchase }, { paymentHash }) => {
    emit('clientAway', { scid: purchase.offer.scid, paymentHash });
  },

  openChannel: async ({ node, policy, emit }, { purchase, back }, { net }) => {
    const { client, scid } = purchase.offer;
    try {
      const { capacity } = await policy.open({ client, net });
      await node.open({ key: channelKey(purchase), peer: client, capacity });
      emit('channelOpening', { scid, client, capacitySat: capacity });
    } catch (cause) {
      emit('trouble', { scid, what: 'openChannel', cause });
      back({ tag: 'channelFailed' });
    }
  },

  fundChannel: async ({ node, funding, emit }, { purchase, back }) => {
    try {
      await funding(() => node.fund(channelKey(purchase)));
    } catch (cause) {
      emit('trouble', { scid: purchase.offer.scid, what: 'fundChannel', cause });
      await node.abandon(channelKey(purchase));
      back({ tag: 'channelFailed' });
    }
  },

  broadcastFunding: async (context, outlet) => {
    // In the background: the chain may be slow, and parts must be answered meanwhile.
    void broadcast(context, outlet);
  },

  abandonChannel: async ({ node }, { purchase }) => node.abandon(channelKey(purchase)),

  forwardPart: async ({ node, emit }, { purchase, back }, { id, amount, extraFee, paymentHash }) => {
    const { offer, channel } = purchase;
    try {
      if (!channel?.channelId) throw new Error('there is no channel to forward over');
      await node.forward({ id, channelId: channel.channelId, peer: offer.client, amount });
      emit('partForwarded', { scid: offer.scid, paymentHash, id, amount, extraFee });
    } catch (cause) {
      emit('trouble', { scid: offer.scid, what: 'forwardPart', cause });
      await node.fail(id, 'temporary_channel_failure').catch(() => undefined);
      back({ tag: 'partFailed', paymentHash, id });
    }
  },

  failPart: async ({ node, emit }, { purchase }, { id, reason, paymentHash }) => {
    await node.fail(id, reason);
    emit('partFailed', { scid: purchase.offer.scid, paymentHash, id, reason });
  },
};

async function broadcast(context: Context, { purchase, back, alive }: Outlet): Promise<void> {
  const { scid } = purchase.offer;
  const fundingTxid = await persist(context.clock, {
    job: () => context.node.broadcast(channelKey(purchase)),
    wanted: alive,
    failed: (cause) => context.emit('trouble', { scid, what: 'broadcastFunding', cause }),
  });
  if (fundingTxid === undefined) return;
  context.emit('fundingBroadcast', { scid, fundingTxid });
  back({ tag: 'fundingBroadcast' });
}
