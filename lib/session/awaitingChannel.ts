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
  splitByTime,
  without,
} from './parts.ts';

type Waiting = StateOf<'awaitingChannel'>;
type Ended = Next<'failed' | 'abandoned'>;

const stay = (_: View, state: Waiting): Next<'awaitingChannel'> => ({ state, effects: [] });

/** After accept_channel, before a satoshi is committed: does the set fit through this channel? */
export function fund(
  view: View,
  state: Waiting,
  { limits }: InputOf<'channelAccepted'>,
): Next<'awaitingChannel' | 'failed' | 'abandoned'> {
  if (!fits(view, state, limits)) return endEarly(view, state, 'channelUnfit');
  return {
    state: { ...state, deadline: view.now + view.rules.fundSeconds },
    effects: [{ tag: 'fundChannel' }],
  };
}

function fits(view: View, state: Waiting, limits: Limits): boolean {
  const { offer } = view;
  const amounts = state.parts.map((part) => part.amount);
  return (
    limits.sendable >= amountOf(state.parts) - view.feeOwing &&
    limits.toSelfDelayBlocks <= offer.maxClientToSelfDelayBlocks &&
    // A client that waits for the confirmation of what we withhold would wait for ever.
    (offer.trust === 'lsp-trusts-client' || limits.minimumDepth === 0) &&
    bearableShares(view, amounts, msat(limits.htlcMinimum)) !== undefined
  );
}

/** funding_signed: who trusts whom decides whether the funding transaction goes out now. */
export function funded(
  view: View,
  state: Waiting,
): Next<'awaitingChannel' | 'awaitingSettlement' | 'failed' | 'abandoned'> {
  const next = { ...state, deadline: view.now + view.rules.readySeconds };
  if (view.offer.trust === 'lsp-trusts-client') return { state: next, effects: [{ tag: 'broadcastFunding' }] };
  return goOn(view, next);
}

/** Forwards once both sides are ready, the client is there, and, if the LSP trusts, the funding is out (L4, L5). */
export function goOn(
  view: View,
  state: Waiting,
): Next<'awaitingChannel' | 'awaitingSettlement' | 'failed' | 'abandoned'> {
  if (!mayForward(view) || !view.clientConnected) return stay(view, state);
  if (!state.parts.every((part) => isInTime(view, part))) return endEarly(view, state, 'cltvMarginGone');
  return forwardSet(view, state.parts, state) ?? endEarly(view, state, 'feeNotBearable');
}

/** bLIP-52 section 5: a disconnect before funding_signed fails the parts and gives the purchase back. */
export function disconnect(view: View, state: Waiting): Next<'awaitingChannel' | 'failed' | 'abandoned'> {
  if (view.channel?.fundingTxid !== undefined) return stay(view, state);
  return endEarly(view, state, 'clientDisconnected');
}

/** bLIP-52 section 5: the client answered the open with `error`. */
export function refused(view: View, state: Waiting): Ended {
  if (mayBeOut(view.channel)) return endEarly(view, state, 'clientRefused');
  const { state: failed, effects } = fail([...state.parts, ...state.late], 'unknown_next_peer', 'clientRefused');
  return { state: failed, effects: [{ tag: 'abandonChannel' }, ...effects] };
}

export const broke = (view: View, state: Waiting): Ended => endEarly(view, state, 'channelFailed');

export const tooLate = (view: View, state: Waiting): Ended => endEarly(view, state, 'openTimedOut');

/** Parts that would arrive too late are given back; without them the set may be incomplete. */
export function watchMargin(view: View, state: Waiting): Next<'awaitingChannel' | 'failed' | 'abandoned'> {
  const [set, late] = [splitByTime(view, state.parts), splitByTime(view, state.late)];
  if (amountOf(set.good) < view.offer.paymentSize) return endEarly(view, state, 'cltvMarginGone');
  const effects = failAll([...set.bad, ...late.bad], 'temporary_channel_failure');
  return { state: { ...state, parts: set.good, late: late.good }, effects };
}

export function lose(
  view: View,
  state: Waiting,
  { id }: InputOf<'partGone'>,
): Next<'awaitingChannel' | 'failed' | 'abandoned'> {
  const next = { ...state, parts: without(state.parts, id), late: without(state.late, id) };
  return amountOf(next.parts) < view.offer.paymentSize ? endEarly(view, next, 'partsGone') : stay(view, next);
}

/** Whether the funding transaction may be out: then nothing takes the channel back, and there will be no other. */
export const mayBeOut = (channel: Channel | undefined): boolean => channel !== undefined && channel.broadcast !== 'no';

/** What may be out stays, unpaid, for the next session of this purchase; anything else is released (L6). */
function endEarly(view: View, state: Waiting, why: EndReason): Ended {
  const parts = [...state.parts, ...state.late];
  if (mayBeOut(view.channel)) return abandon(parts, 'temporary_channel_failure', why);
  const release: readonly Effect[] = view.channel ? [{ tag: 'abandonChannel' }] : [];
  const { state: failed, effects } = fail(parts, 'temporary_channel_failure', why);
  return { state: failed, effects: [...release, ...effects] };
}
