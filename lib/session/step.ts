import { msat } from '../core/amount.ts';
import type { PaymentHash } from '../core/ids.ts';
import { turn } from '../core/table.ts';
import type { Channel, Effect, Input, State, View } from './data.ts';
import {
  deadlineOf,
  type Ended,
  feeOwing,
  forwardedOf,
  isPaid,
  type Order,
  ownerOf,
  type Purchase,
  type PurchaseInput,
  type Result,
  sessionsOf,
  type World,
} from './purchase.ts';
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
    case 'timePassed':
      return sessionsOf(purchase).reduce((result, [hash]) => tellTime(result, hash, world), unchanged);
    case 'clientConnected':
    case 'clientDisconnected':
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
  const answer = (effect: Effect): Result => ({ ...result, orders: [{ ...effect, paymentHash }] });
  // L8: the onion promises the client more than came in.
  if (input.incomingAmount < part.amount) return answer({ tag: 'failPart', id: part.id, reason: 'unknown_next_peer' });
  const known = purchase.sessions[paymentHash] !== undefined;
  if (!known && world.now >= purchase.offer.validUntil) {
    return answer({ tag: 'failPart', id: part.id, reason: 'unknown_next_peer' });
  }
  // bLIP-52 section 6: a paid scid is just another alias of the client until `valid_until`.
  if (!known && isPaid(purchase)) {
    return answer({ tag: 'forwardPart', id: part.id, amount: part.amount, extraFee: msat(0n) });
  }
  if (!known && sessionsOf(purchase).length >= world.rules.sessionsMax) {
    return answer({ tag: 'failPart', id: part.id, reason: 'temporary_channel_failure' });
  }
  const begun: State = purchase.sessions[paymentHash] ?? { tag: 'collecting', parts: [], since: world.now };
  return tell(
    { ...result, purchase: withSession(purchase, paymentHash, begun) },
    paymentHash,
    { tag: 'partArrived', part },
    world,
  );
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
  if (state.tag === 'awaitingChannel') return tell(result, hash, { tag: 'openTimedOut' }, world);
  return tell(result, hash, { tag: world.now >= offer.validUntil ? 'offerExpired' : 'collectTimedOut' }, world);
}

const tellAll = (result: Result, input: Input, world: World): Result =>
  sessionsOf(result.purchase).reduce((told, [hash]) => tell(told, hash, input, world), result);

type ChannelInput = Exclude<
  PurchaseInput,
  {
    readonly tag:
      | 'partArrived'
      | 'partSettled'
      | 'partFailed'
      | 'timePassed'
      | 'clientConnected'
      | 'clientDisconnected'
      | 'blockConnected';
  }
>;

/** News of the channel: first the purchase's record of it, then the session that waits for it. */
function tellOwner(result: Result, input: ChannelInput, world: World): Result {
  const { purchase } = result;
  if (!purchase.channel) return { ...result, odd: true };
  const changed: Result = { ...result, purchase: withChannelNews(purchase, purchase.channel, input) };
  const owner = ownerOf(purchase);
  if (owner === undefined) return changed;
  const told: Input = input.tag === 'channelAccepted' ? input : { tag: input.tag };
  return tell(changed, owner, told, world);
}

function withChannelNews(purchase: Purchase, channel: Channel, input: ChannelInput): Purchase {
  switch (input.tag) {
    case 'channelAccepted':
      return { ...purchase, channel: { ...channel, stage: 'accepted', htlcMinimum: input.limits.htlcMinimum } };
    case 'channelFunded': {
      const { channelId, fundingTxid } = input;
      return { ...purchase, channel: { ...channel, stage: 'funded', channelId, fundingTxid } };
    }
    case 'channelReady':
      return { ...purchase, channel: { ...channel, stage: 'ready', channelId: input.channelId } };
    case 'fundingBroadcast':
      return { ...purchase, channel: { ...channel, broadcast: true } };
    case 'channelRefused':
    case 'channelFailed':
      return { ...purchase, channel: undefined, over: purchase.over || channel.broadcast };
  }
}

/** Hands one input to one session, and the purchase on when that session ends. `resolving`: the part that is no longer under way. */
function tell(result: Result, hash: PaymentHash, input: Input, world: World, resolving?: string): Result {
  const state = result.purchase.sessions[hash];
  if (!state) return result;
  const owned = ownerOf(result.purchase) === hash;
  const next = turn(table, viewOf(result.purchase, hash, world, resolving), state, input);
  const orders: readonly Order[] = next.effects.map((effect) => ({ ...effect, paymentHash: hash }));
  const purchase = orders.reduce(withOrder, withSession(result.purchase, hash, next.state));
  const over = endOf(hash, next.state);
  const told: Result = {
    purchase: over ? withoutSession(purchase, hash) : purchase,
    orders: [...result.orders, ...orders],
    ended: over ? [...result.ended, over] : result.ended,
    odd: result.odd || next.odd,
  };
  if (!over || !owned) return told;
  return tellAll(told, { tag: isPaid(told.purchase) ? 'purchasePaid' : 'purchaseGivenBack' }, world);
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
    openAttemptsLeft: purchase.over ? 0 : world.rules.openAttemptsMax - purchase.openAttempts,
  };
}

/** What an order changes in the record, before it is carried out. */
function withOrder(purchase: Purchase, order: Order): Purchase {
  if (order.tag === 'abandonChannel') return { ...purchase, channel: undefined };
  if (order.tag !== 'openChannel') return purchase;
  const channel: Channel = { opener: order.paymentHash, stage: 'opening', broadcast: false };
  return { ...purchase, channel, openAttempts: purchase.openAttempts + 1 };
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
