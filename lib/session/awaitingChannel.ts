import { msat } from '../core/amount.ts';
import type { Channel, Effect, EndReason, InputOf, Limits, Next, StateOf, View } from './data.ts';
import {
  abandon,
  amountOf,
  bearableShares,
  fail,
  failAll,
  forwardSet,
  isInTime,
  mayForward,
  partsMax,
  splitByTime,
  without,
} from './parts.ts';
import { feeOwing, setOf } from './price.ts';

type Waiting = StateOf<'awaitingChannel'>;
/** How an end looks, before it is known whether the funding transaction is out, when it is not, and when it is. */
type Ended = Next<'failed' | 'abandoned'>;
type End<E extends Ended> = (view: View, state: Waiting, why: EndReason) => E;

const stay = (_: View, state: Waiting): Next<'awaitingChannel'> => ({ state, effects: [] });

/** After accept_channel, before a satoshi is committed: does the set fit through this channel? */
export function fund(
  view: View,
  state: Waiting,
  { limits }: InputOf<'channelAccepted'>,
): Next<'awaitingChannel' | 'failed'> {
  if (!fits(view, state, limits)) return release(view, state, 'channelUnfit');
  return {
    state: { ...state, deadline: view.now + view.rules.fundSeconds },
    effects: [{ tag: 'fundChannel' }],
  };
}

function fits(view: View, state: Waiting, limits: Limits): boolean {
  const { offer } = view;
  const { parts } = state;
  return (
    parts.length <= partsMax(view) &&
    limits.sendable >= amountOf(parts) - feeOwing(view, parts) &&
    limits.toSelfDelayBlocks <= offer.maxClientToSelfDelayBlocks &&
    // A client that waits for the confirmation of what we withhold would wait for ever.
    (offer.trust === 'lsp-trusts-client' || limits.minimumDepth === 0) &&
    bearableShares(view, parts, msat(limits.htlcMinimum)) !== undefined
  );
}

/** funding_signed: who trusts whom decides whether the funding transaction goes out now. */
export function funded(view: View, state: Waiting): Next<'awaitingChannel' | 'awaitingSettlement' | 'failed'> {
  const next = { ...state, deadline: view.now + view.rules.readySeconds };
  if (view.offer.trust === 'lsp-trusts-client') return { state: next, effects: [{ tag: 'broadcastFunding' }] };
  return goOnOr(view, next, release);
}

/** The funding transaction is out. */
export const broadcast = (view: View, state: Waiting): Next<'awaitingChannel' | 'awaitingSettlement' | 'abandoned'> =>
  goOnOr(view, state, leave);

export const goOn = (
  view: View,
  state: Waiting,
): Next<'awaitingChannel' | 'awaitingSettlement' | 'failed' | 'abandoned'> => goOnOr(view, state, endEarly);

/** Forwards once both sides are ready, the client is there, and, if the LSP trusts, the funding is out (L4, L5). */
function goOnOr<E extends Ended>(
  view: View,
  state: Waiting,
  end: End<E>,
): Next<'awaitingChannel' | 'awaitingSettlement'> | E {
  if (!mayForward(view) || !view.clientConnected) return stay(view, state);
  if (!state.parts.every((part) => isInTime(view, part))) return end(view, state, 'cltvMarginGone');
  return forwardSet(view, state.parts, state) ?? end(view, state, 'feeNotBearable');
}

/** bLIP-52 section 5: a disconnect before funding_signed fails the parts and gives the purchase back. */
export function disconnect(view: View, state: Waiting): Next<'awaitingChannel' | 'failed'> {
  if (view.channel?.fundingTxid !== undefined) return stay(view, state);
  return release(view, state, 'clientDisconnected');
}

/** After a restart nobody knows of a channel that was not signed yet; one that was goes on. */
export function resume(
  view: View,
  state: Waiting,
): Next<'awaitingChannel' | 'awaitingSettlement' | 'failed' | 'abandoned'> {
  if (view.channel?.fundingTxid === undefined) return release(view, state, 'restarted');
  return goOn(view, state);
}

/** bLIP-52 section 5: the client answered the open with `error`. */
export function refused(_: View, state: Waiting): Next<'failed'> {
  const { state: failed, effects } = fail([...state.parts, ...state.late], 'unknown_next_peer', 'clientRefused');
  return { state: failed, effects: [{ tag: 'abandonChannel' }, ...effects] };
}

export const broke = (view: View, state: Waiting): Ended => endEarly(view, state, 'channelFailed');

export const tooLate = (view: View, state: Waiting): Ended => endEarly(view, state, 'openTimedOut');

/** Parts that would arrive too late are given back; without them the set may be incomplete. */
export function watchMargin(view: View, state: Waiting): Next<'awaitingChannel' | 'failed' | 'abandoned'> {
  const [set, late] = [splitByTime(view, state.parts), splitByTime(view, state.late)];
  if (!setOf(view.offer, set.good)) return endEarly(view, state, 'cltvMarginGone');
  const effects = failAll([...set.bad, ...late.bad], 'temporary_channel_failure');
  return { state: { ...state, parts: set.good, late: late.good }, effects };
}

export function lose(
  view: View,
  state: Waiting,
  { id }: InputOf<'partGone'>,
): Next<'awaitingChannel' | 'failed' | 'abandoned'> {
  const next = { ...state, parts: without(state.parts, id), late: without(state.late, id) };
  return setOf(view.offer, next.parts) ? stay(view, next) : endEarly(view, next, 'partsGone');
}

/** Whether the funding transaction may be out: then nothing takes the channel back, and there will be no other. */
export const mayBeOut = (channel: Channel | undefined): boolean => channel !== undefined && channel.broadcast !== 'no';

const endEarly: End<Ended> = (view, state, why) =>
  mayBeOut(view.channel) ? leave(view, state, why) : release(view, state, why);

/** What may be out stays, unpaid, for the next session of this purchase. */
const leave: End<Next<'abandoned'>> = (_, state, why) =>
  abandon([...state.parts, ...state.late], 'temporary_channel_failure', why);

/** What is not out is given up, and its coins are freed (L6). */
const release: End<Next<'failed'>> = (view, state, why) => {
  const { state: failed, effects } = fail([...state.parts, ...state.late], 'temporary_channel_failure', why);
  const given: readonly Effect[] = view.channel ? [{ tag: 'abandonChannel' }] : [];
  return { state: failed, effects: [...given, ...effects] };
};
