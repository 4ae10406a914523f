import { msat } from '../core/amount.ts';
import type { PaymentHash } from '../core/ids.ts';
import { turn } from '../core/table.ts';
import { isNews, withNews } from './channelNews.ts';
import type { Channel, Effect, Input, PartEffect, State, View } from './data.ts';
import {
  type ChannelNews,
  deadlineOf,
  type Ended,
  feeTaken,
  forwardedOf,
  isKnownPart,
  type Order,
  ownerOf,
  type Purchase,
  type PurchaseInput,
  type Result,
  sessionsOf,
  type World,
} from './purchase.ts';
import { amountOf, byFallingAmount, forward, hopelessness, isInTime } from './parts.ts';
import { table } from './table.ts';

/** One input, handled: the pure heart of the LSP. Save `purchase`, then do `orders`. */
export function step(purchase: Purchase, input: PurchaseInput, world: World): Result {
  return wrapUp(take({ purchase, orders: [], ended: [], odd: false }, input, world), world);
}

function take(unchanged: Result, input: PurchaseInput, world: World): Result {
  const { purchase } = unchanged;
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
    case 'resumed':
      return resume(unchanged, input.held, world);
    case 'channelReleased':
      return released(unchanged, input.attempt);
    case 'channelAccepted':
    case 'channelFunded':
    case 'channelReady':
    case 'channelRefused':
    case 'channelFailed':
    case 'fundingBroadcast':
      return tellOwner(unchanged, input, world);
  }
}

/** What was ordered before a crash may not have been done: it is ordered again, and the node knows what it did already. */
function resume(result: Result, held: readonly string[], world: World): Result {
  const { channel, releasing } = result.purchase;
  const again: Order[] = releasing.map((attempt) => ({ tag: 'abandonChannel', attempt }));
  if (channel?.broadcast === 'ordered') again.push({ tag: 'broadcastFunding', attempt: channel.attempt });
  if (channel?.closing && channel.stage !== 'closed') again.push({ tag: 'closeChannel', attempt: channel.attempt });
  // One session's end may set another going: what that has just sent is not held any more.
  const still = ({ orders }: Result) => held.filter((id) => !orders.some((order) => 'id' in order && order.id === id));
  const begun: Result = { ...result, orders: [...result.orders, ...again] };
  return sessionsOf(result.purchase).reduce<Result>(
    (told, [hash]) => tell(told, hash, { tag: 'resumed', held: still(told) }, world),
    begun,
  );
}

function released(result: Result, attempt: number): Result {
  const { purchase } = result;
  const releasing = purchase.releasing.filter((each) => each !== attempt);
  if (releasing.length === purchase.releasing.length) return { ...result, odd: true };
  return { ...result, purchase: { ...purchase, releasing } };
}

/** A channel that was broadcast and that nobody paid for until `valid_until` is closed, if the operator wants it so. */
function wrapUp(result: Result, { now, rules }: World): Result {
  const { channel, offer, paid } = result.purchase;
  if (now < offer.validUntil || sessionsOf(result.purchase).length > 0 || paid || !channel) return result;
  if (channel.broadcast !== 'done' || channel.stage === 'closed' || channel.closing) return result;
  if (rules.unpaidChannels === 'keep') return result;
  const { attempt } = channel;
  return {
    ...result,
    purchase: { ...result.purchase, channel: { ...channel, closing: true } },
    orders: [...result.orders, { tag: 'closeChannel', attempt }],
  };
}

type Arrived = Extract<PurchaseInput, { readonly tag: 'partArrived' }>;

/** What a part meets before any session does. */
function arrive(result: Result, input: Arrived, world: World): Result {
  const { purchase } = result;
  const { paymentHash, part } = input;
  if (isKnownPart(purchase, part.id)) return { ...result, odd: true };
  const answer = (effect: PartEffect): Result => ({
    ...result,
    orders: [...result.orders, { ...effect, paymentHash }],
  });
  // L8: the onion promises the client more than came in.
  if (input.incomingAmount < part.amount) return answer({ tag: 'failPart', id: part.id, reason: 'unknown_next_peer' });
  const known = purchase.sessions[paymentHash] !== undefined;
  if (!known && world.now >= purchase.offer.validUntil) {
    return answer({ tag: 'failPart', id: part.id, reason: 'unknown_next_peer' });
  }
  // bLIP-52 section 6: a paid scid is just another alias of the client until `valid_until`.
  if (!known && purchase.paid) {
    if (!isInTime(world, part) || !world.clientConnected) {
      return answer({ tag: 'failPart', id: part.id, reason: 'temporary_channel_failure' });
    }
    return answer(forward(part, msat(0n)));
  }
  // What no set could take must not cost another payment its place.
  const { rules, height } = world;
  const { offer, channel } = purchase;
  const hopeless = known ? undefined : hopelessness({ rules, height, offer, channel }, part);
  if (hopeless) return answer({ tag: 'failPart', id: part.id, reason: hopeless });
  if (part.amount < world.rules.partMin) {
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
  if (!isKnownPart(result.purchase, id)) return { ...result, odd: true };
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

/** A client that has signed does not refuse any more: whatever it says then, the channel broke. */
const refusalOf = (channel: Channel, input: ChannelNews): ChannelNews =>
  input.tag === 'channelRefused' && channel.fundingTxid !== undefined ? { ...input, tag: 'channelFailed' } : input;

/** News of the channel: first the purchase's record of it, then the session that waits for it. */
function tellOwner(result: Result, news: ChannelNews, world: World): Result {
  const { purchase } = result;
  const { channel } = purchase;
  if (channel?.attempt !== news.attempt || !isNews(channel, news)) return { ...result, odd: true };
  const input = refusalOf(channel, news);
  const owner = ownerOf(purchase);
  const changed: Result = { ...result, purchase: { ...purchase, ...withNews(purchase, channel, input) } };
  if (owner === undefined) return changed;
  const told: Input = input.tag === 'channelAccepted' ? input : { tag: input.tag };
  return tell(changed, owner, told, world);
}

/** Hands one input to one session, and the purchase on when that session ends. `resolving`: the part that is no longer under way. */
function tell(result: Result, hash: PaymentHash, input: Input, world: World, resolving?: string): Result {
  const state = result.purchase.sessions[hash];
  if (!state) return result;
  const owned = ownerOf(result.purchase) === hash;
  const next = turn(table, viewOf(result.purchase, hash, world, resolving), state, input);
  const { channel, openAttempts } = result.purchase;
  const orders = next.effects.map((effect): Order => {
    if (isPartEffect(effect)) return { ...effect, paymentHash: hash };
    return { ...effect, attempt: effect.tag === 'openChannel' ? openAttempts + 1 : (channel?.attempt ?? 0) };
  });
  const purchase = orders.reduce(withOrder, withSession(result.purchase, hash, next.state));
  const over = endOf(hash, next.state);
  const paid = purchase.paid || (owned && next.state.tag === 'succeeded');
  const underpaid = purchase.underpaid || (next.state.tag === 'abandoned' && next.state.reason === 'underpaid');
  const told: Result = {
    purchase: over ? { ...withoutSession(purchase, hash), paid, underpaid } : purchase,
    orders: [...result.orders, ...orders],
    ended: over ? [...result.ended, over] : result.ended,
    odd: result.odd || next.odd,
  };
  if (!over || !owned) return told;
  return tellAll(told, { tag: told.purchase.paid ? 'purchasePaid' : 'purchaseGivenBack' }, world);
}

function viewOf(purchase: Purchase, hash: PaymentHash, world: World, resolving: string | undefined): View {
  const owner = ownerOf(purchase);
  const { now, height, clientConnected, mayOpen, rules } = world;
  return {
    mayOpen,
    underpaid: purchase.underpaid,
    now,
    height,
    clientConnected,
    rules,
    offer: purchase.offer,
    paymentHash: hash,
    channel: purchase.channel,
    feeTaken: feeTaken(purchase, resolving),
    taken: owner !== undefined && owner !== hash,
    refusalsLeft: purchase.over ? 0 : world.rules.refusalsMax - purchase.refusals,
  };
}

const PART_EFFECTS = new Set<Effect['tag']>(['wakeClient', 'forwardPart', 'failPart']);
const isPartEffect = (effect: Effect): effect is PartEffect => PART_EFFECTS.has(effect.tag);

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
      return { ...purchase, channel: undefined, releasing: [...purchase.releasing, order.attempt] };
    case 'closeChannel':
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
