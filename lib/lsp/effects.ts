import { formatScid, parseScid, type Scid } from '../core/scid.ts';
import type { ChannelNews, Order, Purchase, PurchaseInput } from '../session/purchase.ts';
import type { Context } from './context.ts';
import { giveBack } from './giveBack.ts';
import { inTime, NODE_SECONDS_MAX, persist, TooLateError } from './retry.ts';

// Orders of the session, carried out on the node. What comes of them goes back as an input; nothing here throws, and what
// may take long (opening, funding, broadcasting) is not waited for: parts must be answered meanwhile.

export interface Outlet {
  /** The purchase as it was saved. */
  readonly purchase: Purchase;
  /** Queues what came of an order. */
  back(input: PurchaseInput): void;
  /** Whether this channel is still the one of the purchase. */
  current(attempt: number): boolean;
}

/** The key under which the node knows one channel of a purchase. */
export const channelKey = (scid: Scid, attempt: number): string => `${formatScid(scid)}#${attempt}`;

export function readChannelKey(key: string): { readonly scid: Scid; readonly attempt: number } {
  const [scid = '', attempt = ''] = key.split('#');
  return { scid: parseScid(scid), attempt: Number(attempt) };
}

export async function carryOut(context: Context, outlet: Outlet, order: Order): Promise<void> {
  try {
    await DOERS[order.tag](context, outlet, order as never);
  } catch (cause) {
    context.emit('trouble', { scid: outlet.purchase.offer.scid, what: order.tag, cause });
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

  openChannel: async (context, outlet, { net, attempt }) => {
    const { client, scid } = outlet.purchase.offer;
    const open = async () => {
      const { capacity } = await context.policy.open({ client, net });
      if (!outlet.current(attempt)) return;
      const key = channelKey(scid, attempt);
      await context.node.open({ key, peer: client, capacity });
      // Given up meanwhile: nobody waits for this channel any more.
      if (!outlet.current(attempt)) {
        await context.node.abandon(key);
        return;
      }
      context.emit('channelOpening', { scid, client, capacitySat: capacity });
    };
    const { acceptSeconds } = context.rules;
    void orFail(context, outlet, { what: 'openChannel', attempt, seconds: acceptSeconds, job: open });
  },

  fundChannel: async (context, outlet, { attempt }) => {
    const key = channelKey(outlet.purchase.offer.scid, attempt);
    const { fundSeconds } = context.rules;
    // One at a time over all purchases, so that no two pick the same coins; one that hangs holds up nobody for ever.
    const fund = () =>
      context.funding(async () => {
        if (outlet.current(attempt)) await inTime(context.clock, fundSeconds, () => context.node.fund(key));
      });
    void orFail(context, outlet, { what: 'fundChannel', attempt, seconds: undefined, job: fund });
  },

  broadcastFunding: async (context, outlet, { attempt }) => {
    void broadcast(context, outlet, attempt);
  },

  abandonChannel: async (context, { purchase, back }, { attempt }) => {
    const { scid } = purchase.offer;
    void persist(context.clock, {
      job: async () => {
        await context.node.abandon(channelKey(scid, attempt));
        return true;
      },
      wanted: () => context.running(),
      failed: (cause) => context.emit('trouble', { scid, what: 'abandonChannel', cause }),
    }).then((done) => done && back({ tag: 'channelReleased', attempt }));
  },

  closeChannel: async (context, { purchase }, { attempt }) => {
    const { scid, client } = purchase.offer;
    const { channelId } = purchase.channel ?? {};
    context.emit('channelUnpaid', { scid, client, channelId, feeSettled: purchase.feeSettled });
    void persist(context.clock, {
      job: async () => {
        await context.node.close(channelKey(scid, attempt));
        return true;
      },
      wanted: () => context.running(),
      failed: (cause) => context.emit('trouble', { scid, what: 'closeChannel', cause }),
    });
  },

  forwardPart: async (context, outlet, order) => {
    const { node, clock, emit } = context;
    const { offer, channel, paid } = outlet.purchase;
    const { id, amount } = order;
    // What is not paid for goes over its own channel only.
    if (channel?.channelId === undefined || (channel.stage === 'closed' && !paid)) {
      emit('trouble', { scid: offer.scid, what: 'forwardPart', cause: new Error('there is no channel') });
      await giveBack(context, { scid: offer.scid, id, reason: 'temporary_channel_failure' });
      outlet.back({ tag: 'partFailed', paymentHash: order.paymentHash, id });
      return;
    }
    const to = { id, channelId: channel.channelId, peer: offer.client, amount };
    const job = node.forward(to);
    try {
      await inTime(clock, NODE_SECONDS_MAX, () => job);
      tellForwarded(context, outlet, order);
    } catch (cause) {
      emit('trouble', { scid: offer.scid, what: 'forwardPart', cause });
      // A node that did not answer may still forward, or still say no: the part stays under way until it is told.
      if (cause instanceof TooLateError) job.catch(() => void settleDoubt(context, outlet, order, to));
      else await settleDoubt(context, outlet, order, to);
    }
  },

  failPart: async (context, { purchase }, { id, reason, paymentHash }) => {
    const { scid } = purchase.offer;
    if (await giveBack(context, { scid, id, reason })) context.emit('partFailed', { scid, paymentHash, id, reason });
  },
};

type Forward = Extract<Order, { readonly tag: 'forwardPart' }>;

const tellForwarded = ({ emit }: Context, { purchase }: Outlet, { paymentHash, id, amount, extraFee }: Forward): void =>
  emit('partForwarded', { scid: purchase.offer.scid, paymentHash, id, amount, extraFee });

/**
 * The node said no to a forward. It may have done it all the same: only a part that it gives back has surely failed, and one
 * that it cannot give back it must forward. One of the two is tried until it succeeds.
 */
async function settleDoubt(
  context: Context,
  outlet: Outlet,
  order: Forward,
  to: Parameters<Context['node']['forward']>[0],
): Promise<void> {
  const { node, clock, emit } = context;
  const { id, paymentHash } = order;
  const { scid } = outlet.purchase.offer;
  let first: () => void = () => undefined;
  const tried = new Promise<void>((resolve) => {
    first = resolve;
  });
  const job = async (): Promise<'failed' | 'forwarded'> => {
    try {
      await inTime(clock, NODE_SECONDS_MAX, async () => node.fail(id, 'temporary_channel_failure'));
      return 'failed';
    } catch {
      await inTime(clock, NODE_SECONDS_MAX, async () => node.forward(to));
      return 'forwarded';
    }
  };
  const failed = (cause: unknown) => {
    emit('trouble', { scid, what: 'failPart', cause });
    first();
  };
  void persist(clock, { job, wanted: () => context.running(), failed }).then((how) => {
    if (how === 'failed') outlet.back({ tag: 'partFailed', paymentHash, id });
    else if (how === 'forwarded') tellForwarded(context, outlet, order);
    first();
  });
  await tried;
}

/** Does a step of opening a channel; when it fails, the channel has failed. */
async function orFail(
  context: Context,
  { purchase, back }: Outlet,
  o: {
    readonly what: string;
    readonly attempt: number;
    readonly seconds: number | undefined;
    job(): Promise<void>;
  },
): Promise<void> {
  try {
    await (o.seconds === undefined ? o.job() : inTime(context.clock, o.seconds, o.job));
  } catch (cause) {
    context.emit('trouble', { scid: purchase.offer.scid, what: o.what, cause });
    back({ tag: 'channelFailed', attempt: o.attempt });
  }
}

async function broadcast(context: Context, { purchase, back, current }: Outlet, attempt: number): Promise<void> {
  const { scid } = purchase.offer;
  const fundingTxid = await persist(context.clock, {
    job: () => context.node.broadcast(channelKey(scid, attempt)),
    wanted: () => context.running() && current(attempt),
    failed: (cause) => context.emit('trouble', { scid, what: 'broadcastFunding', cause }),
  });
  if (fundingTxid === undefined) return;
  context.emit('fundingBroadcast', { scid, fundingTxid });
  const news: ChannelNews = { tag: 'fundingBroadcast', attempt };
  back(news);
}
