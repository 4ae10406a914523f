import { msat } from '../core/amount.ts';
import type { PaymentHash } from '../core/ids.ts';
import { turn } from '../core/table.ts';
import type { Channel, Effect, Input, Stage, State, View } from './data.ts';
import {
  type ChannelNews,
  deadlineOf,
  type Ended,
  feeOwing,
  forwardedOf,
  isAlias,
  isKnownPart,
  type Order,
  ownerOf,
  type Purchase,
  type PurchaseInput,
  type Result,
  sessionsOf,
  type World,
} from './purchase.ts';
import { amountOf, byFallingAmount, forward, isInTime, isTooMuch } from './parts.ts';
import { table } from './table.ts';

/** One input, handled: the pure heart of the LSP. Save `purchase`, then do `orders`. */
export function step(purchase: Purchase, input: PurchaseInput, world: World): Result {
  const unchanged: Result = { purchase, orders: [], ended: [], odd: false };
  switch (input.tag) {
    case 'partArrived':
      return arrive(unchanged, input, world);
    case 'partSettled':
    case 'partFailed':
      return resolve(unchanged, input, world);
    case 'partGone':
      return lose(unchanged, input, world);
    case 'timePassed':
      return sessionsOf(purchase).reduce((result, [hash]) => tellTime(result, hash, world), unchanged);
    case 'clientDisconnected':
      // It may be back by now; then the news of that comes next, and nobody opens a channel in between.
      return tellAll(unchanged, { tag: input.tag }, { ...world, clientConnected: false });
    case 'clientConnected':
    case 'blockConnected':
      return tellAll(unchanged, { tag: input.tag }, world);
    case 'channelAccepted':
    case 'channelFunded':
    case 'channelReady':
    case 'channelRefused':
    case 'channelFailed':
    case 'fundingBroadcast':
      return tellOwner(unchanged, input, world);
  }
}

type Arrived = Extract<PurchaseInput, { readonly tag: 'partArrived' }>;

/** What a part meets before any session does. */
function arrive(result: Result, input: Arrived, world: World): Result {
  const { purchase } = result;
  const { paymentHash, part } = input;
  if (isKnownPart(purchase, part.id)) return { ...result, odd: true };
  const attempt = purchase.channel?.attempt ?? 0;
  const answer = (effect: Effect): Result => ({ ...result, orders: [{ ...effect, paymentHash, attempt }] });
  // L8: the onion promises the client more than came in.
  if (input.incomingAmount < part.amount) return answer({ tag: 'failPart', id: part.id, reason: 'unknown_next_peer' });
  const known = purchase.sessions[paymentHash] !== undefined;
  if (!known && world.now >= purchase.offer.validUntil) {
    return answer({ tag: 'failPart', id: part.id, reason: 'unknown_next_peer' });
  }
  // bLIP-52 section 6: a paid scid is just another alias of the client until `valid_until`.
  if (!known && isAlias(purchase)) {
    if (!isInTime(world, part) || !world.clientConnected) {
      return answer({ tag: 'failPart', id: part.id, reason: 'temporary_channel_failure' });
    }
    return answer(forward(part, msat(0n)));
  }
  // What no set could take must not cost another payment its place.
  const hopeless = isTooMuch({ offer: purchase.offer, rules: world.rules }, [part]) || !isInTime(world, part);
  if (part.amount < world.rules.partMin || (!known && hopeless)) {
    return answer({ tag: 'failPart', id: part.id, reason: 'temporary_channel_failure' });
  }
  if (!known && sessionsOf(purchase).length >= world.rules.sessionsMax) {
    const least = leastSession(purchase);
    if (!least || least.amount >= part.amount) {
      return answer({ tag: 'failPart', id: part.id, reason: 'temporary_channel_failure' });
    }
    // Whoever brings more takes the place of the smallest: dust cannot keep the scid busy.
    return arrive(tell(result, least.hash, { tag: 'collectTimedOut' }, world), input, world);
  }
  const begun: State = purchase.sessions[paymentHash] ?? { tag: 'collecting', parts: [], since: world.now };
  return tell(
    { ...result, purchase: withSession(purchase, paymentHash, begun) },
    paymentHash,
    { tag: 'partArrived', part },
    world,
  );
}

/** The collecting session that holds the least. */
function leastSession(purchase: Purchase): { readonly hash: PaymentHash; readonly amount: bigint } | undefined {
  const totals = sessionsOf(purchase).flatMap(([hash, state]) =>
    state.tag === 'collecting' ? [{ hash, amount: amountOf(state.parts) }] : [],
  );
  return totals.sort(byFallingAmount).at(-1);
}

type Gone = Extract<PurchaseInput, { readonly tag: 'partGone' }>;

/** A forwarded part that is gone has failed. */
function lose(result: Result, { paymentHash, id }: Gone, world: World): Result {
  const forwarded = forwardedOf(result.purchase.sessions[paymentHash]).some((part) => part.id === id);
  if (forwarded) return resolve(result, { tag: 'partFailed', paymentHash, id }, world);
  return tell(result, paymentHash, { tag: 'partGone', id }, world);
}

type Resolved = Extract<PurchaseInput, { readonly tag: 'partSettled' | 'partFailed' }>;

/** A settled part's share of the fee is counted exactly once, before its session looks at what is owing (L3). */
function resolve(result: Result, input: Resolved, world: World): Result {
  const { purchase } = result;
  const part = forwardedOf(purchase.sessions[input.paymentHash]).find(({ id }) => id === input.id);
  if (part?.outcome !== 'pending') return { ...result, odd: true };
  const paid = input.tag === 'partSettled' ? part.extraFee : 0n;
  const counted = { ...purchase, feeSettled: msat(purchase.feeSettled + paid) };
  return tell({ ...result, purchase: counted }, input.paymentHash, { tag: input.tag, id: input.id }, world, input.id);
}

function tellTime(result: Result, hash: PaymentHash, world: World): Result {
  const { offer, sessions } = result.purchase;
  const state = sessions[hash];
  const deadline = state && deadlineOf(offer, world.rules, state);
  if (!state || deadline === undefined || world.now < deadline) return result;
  if (state.tag === 'awaitingChannel' && world.now >= state.deadline) {
    return tell(result, hash, { tag: 'openTimedOut' }, world);
  }
  return tell(result, hash, { tag: world.now >= offer.validUntil ? 'offerExpired' : 'collectTimedOut' }, world);
}

const tellAll = (result: Result, input: Input, world: World): Result =>
  sessionsOf(result.purchase).reduce((told, [hash]) => tell(told, hash, input, world), result);

/** News of the channel: first the purchase's record of it, then the session that waits for it. */
function tellOwner(result: Result, input: ChannelNews, world: World): Result {
  const { purchase } = result;
  const { channel } = purchase;
  if (channel?.attempt !== input.attempt || !isNews(channel, input)) return { ...result, odd: true };
  const owner = ownerOf(purchase);
  const changed: Result = { ...result, purchase: { ...purchase, ...withNews(purchase, channel, input) } };
  if (owner === undefined) return changed;
  const told: Input = input.tag === 'channelAccepted' ? input : { tag: input.tag };
  return tell(changed, owner, told, world);
}

/** Whether this was not known before: nodes repeat themselves. */
function isNews(channel: Channel, input: ChannelNews): boolean {
  switch (input.tag) {
    case 'channelAccepted':
      return channel.stage === 'opening';
    case 'channelFunded':
      return channel.fundingTxid === undefined && channel.stage !== 'closed';
    case 'channelReady':
      return channel.stage !== 'ready' && channel.stage !== 'closed';
    case 'fundingBroadcast':
      return channel.broadcast === 'ordered';
    case 'channelRefused':
    case 'channelFailed':
      return channel.stage !== 'closed';
  }
}

const STAGES: readonly Stage[] = ['opening', 'accepted', 'funded', 'ready', 'closed'];
const later = (a: Stage, b: Stage): Stage => (STAGES.indexOf(a) > STAGES.indexOf(b) ? a : b);

type News = Pick<Purchase, 'channel' | 'over' | 'refusals'>;

function withNews(purchase: Purchase, channel: Channel, input: ChannelNews): News {
  const { over, refusals } = purchase;
  const { stage } = channel;
  switch (input.tag) {
    case 'channelAccepted':
      return { over, refusals, channel: { ...channel, stage: 'accepted', htlcMinimum: input.limits.htlcMinimum } };
    case 'channelFunded': {
      const { channelId, fundingTxid } = input;
      return { over, refusals, channel: { ...channel, stage: later(stage, 'funded'), channelId, fundingTxid } };
    }
    case 'channelReady':
      return { over, refusals, channel: { ...channel, stage: 'ready', channelId: input.channelId } };
    case 'fundingBroadcast':
      return { over, refusals, channel: { ...channel, broadcast: 'done' } };
    case 'channelRefused':
    case 'channelFailed': {
      // Closed, not forgotten: its funding transaction may be out, or may still have to go out.
      const refused = input.tag === 'channelRefused' ? 1 : 0;
      return {
        over: over || channel.broadcast !== 'no',
        refusals: refusals + refused,
        channel: { ...channel, stage: 'closed' },
      };
    }
  }
}

/** Hands one input to one session, and the purchase on when that session ends. `resolving`: the part that is no longer under way. */
function tell(result: Result, hash: PaymentHash, input: Input, world: World, resolving?: string): Result {
  const state = result.purchase.sessions[hash];
  if (!state) return result;
  const owned = ownerOf(result.purchase) === hash;
  const next = turn(table, viewOf(result.purchase, hash, world, resolving), state, input);
  const { channel, openAttempts } = result.purchase;
  const orders = next.effects.map((effect): Order => {
    const attempt = effect.tag === 'openChannel' ? openAttempts + 1 : (channel?.attempt ?? 0);
    return { ...effect, paymentHash: hash, attempt };
  });
  const purchase = orders.reduce(withOrder, withSession(result.purchase, hash, next.state));
  const over = endOf(hash, next.state);
  const paid = purchase.paid || (owned && next.state.tag === 'succeeded');
  const told: Result = {
    purchase: over ? { ...withoutSession(purchase, hash), paid } : purchase,
    orders: [...result.orders, ...orders],
    ended: over ? [...result.ended, over] : result.ended,
    odd: result.odd || next.odd,
  };
  if (!over || !owned) return told;
  return tellAll(told, { tag: told.purchase.paid ? 'purchasePaid' : 'purchaseGivenBack' }, world);
}

function viewOf(purchase: Purchase, hash: PaymentHash, world: World, resolving: string | undefined): View {
  const owner = ownerOf(purchase);
  return {
    ...world,
    offer: purchase.offer,
    paymentHash: hash,
    channel: purchase.channel,
    feeOwing: feeOwing(purchase, resolving),
    taken: owner !== undefined && owner !== hash,
    refusalsLeft: purchase.over ? 0 : world.rules.refusalsMax - purchase.refusals,
  };
}

/** What an order changes in the record: the intent is saved before the deed. */
function withOrder(purchase: Purchase, order: Order): Purchase {
  const { channel } = purchase;
  switch (order.tag) {
    case 'openChannel': {
      const { attempt } = order;
      return { ...purchase, channel: { attempt, stage: 'opening', broadcast: 'no' }, openAttempts: attempt };
    }
    case 'broadcastFunding':
      return channel ? { ...purchase, channel: { ...channel, broadcast: 'ordered' } } : purchase;
    case 'abandonChannel':
      return { ...purchase, channel: undefined };
    case 'wakeClient':
    case 'fundChannel':
    case 'forwardPart':
    case 'failPart':
      return purchase;
  }
}

function endOf(paymentHash: PaymentHash, state: State): Ended | undefined {
  if (state.tag === 'succeeded' || state.tag === 'failed' || state.tag === 'abandoned') return { paymentHash, state };
  return undefined;
}

const withSession = (purchase: Purchase, hash: PaymentHash, state: State): Purchase => ({
  ...purchase,
  sessions: { ...purchase.sessions, [hash]: state },
});

function withoutSession(purchase: Purchase, hash: PaymentHash): Purchase {
  const { [hash]: _, ...sessions } = purchase.sessions;
  return { ...purchase, sessions };
}
