import { msat } from '../core/amount.ts';
import type { InputOf, Next, Part, StateOf, View } from './data.ts';
import {
  amountOf,
  byFallingAmount,
  fail,
  failAll,
  forwardSet,
  hopelessness,
  isTooMuch,
  mayForward,
  relay,
  splitByTime,
  without,
} from './parts.ts';
import { feeOwing, setOf } from './price.ts';

type Collecting = StateOf<'collecting'>;
type GoneOn = Next<'collecting' | 'awaitingChannel' | 'awaitingSettlement' | 'failed'>;

/**
 * A part joins the set. Where there is too much, the smallest are given back: dust of a stranger never sinks the payment. A
 * complete set goes on.
 */
export function collect(view: View, state: Collecting, { part }: InputOf<'partArrived'>): GoneOn {
  const hopeless = hopelessness(view, part);
  if (hopeless) return orphan(state, failAll([part], hopeless));
  const kept = [...state.parts, part];
  // With a variable amount the first HTLC is the payment, however small.
  if (view.offer.paymentSize !== undefined) kept.sort(byFallingAmount);
  const given: Part[] = [];
  while (kept.length > 1 && isTooMuch(view, kept)) given.push(...kept.splice(-1));
  const effects = failAll(given, 'temporary_channel_failure');
  const next = goOn(view, { ...state, parts: kept });
  return { state: next.state, effects: [...effects, ...next.effects] };
}

/** A session without a part left is over. */
function orphan(state: Collecting, effects: Next<'collecting'>['effects']): Next<'collecting' | 'failed'> {
  if (state.parts.length > 0) return { state, effects };
  return { state: { tag: 'failed', reason: 'partsGone' }, effects };
}

/** bLIP-52 section 4: a set goes on once it is complete, in time, its client connected, and the purchase free. */
export function goOn(view: View, state: Collecting): GoneOn {
  const { offer } = view;
  const found = setOf(offer, state.parts);
  if (!found || view.taken) return { state, effects: [] };
  if (view.now >= offer.validUntil) return fail(state.parts, 'unknown_next_peer', 'offerExpired');
  if (!view.clientConnected) return { state, effects: [{ tag: 'wakeClient' }] };
  const { good, bad } = splitByTime(view, state.parts);
  if (bad.length > 0) {
    // A block may have come that nobody told us of, as over a restart.
    const next = good.length > 0 ? goOn(view, { ...state, parts: good }) : orphan({ ...state, parts: good }, []);
    return { state: next.state, effects: [...failAll(bad, 'temporary_channel_failure'), ...next.effects] };
  }
  const ready: Ready = { parts: found.set, late: found.rest, lateSince: state.since };
  return view.channel ? useChannel(view, ready) : openOne(view, ready);
}

/** A complete set, and what waits behind it. */
type Ready = Pick<StateOf<'awaitingChannel'>, 'parts' | 'late' | 'lateSince'>;

/** The channel that an earlier session left unpaid. */
function useChannel(view: View, ready: Ready): GoneOn {
  const all = [...ready.parts, ...ready.late];
  if (view.channel?.stage === 'closed') return fail(all, 'unknown_next_peer', 'channelFailed');
  if (!mayForward(view)) return { state: waiting(ready, view.now + view.rules.readySeconds), effects: [] };
  return forwardSet(view, ready.parts, ready) ?? fail(all, 'unknown_next_peer', 'feeNotBearable');
}

function openOne(view: View, ready: Ready): Next<'awaitingChannel' | 'failed'> {
  const { parts, late } = ready;
  if (view.refusalsLeft <= 0) return fail([...parts, ...late], 'unknown_next_peer', 'channelFailed');
  if (!view.mayOpen) return fail([...parts, ...late], 'temporary_channel_failure', 'tooManyUnpaidChannels');
  return {
    state: waiting(ready, view.now + view.rules.acceptSeconds),
    effects: [{ tag: 'openChannel', net: msat(amountOf(parts) - feeOwing(view, parts)) }],
  };
}

const waiting = (ready: Ready, deadline: number): StateOf<'awaitingChannel'> => ({
  tag: 'awaitingChannel',
  ...ready,
  deadline,
});

/** bLIP-52 section 4: the parts of an incomplete set fail with temporary_channel_failure, and are forgotten. */
export const giveUp = (_: View, state: Collecting): Next<'failed'> =>
  fail(state.parts, 'temporary_channel_failure', 'collectTimedOut');

/** bLIP-52 section 4: after `valid_until` they fail with unknown_next_peer. */
export const expire = (_: View, state: Collecting): Next<'failed'> =>
  fail(state.parts, 'unknown_next_peer', 'offerExpired');

/** Parts that would arrive too late are given back; the others go on waiting. */
export function watchMargin(view: View, state: Collecting): Next<'collecting' | 'failed'> {
  const { good, bad } = splitByTime(view, state.parts);
  return orphan({ ...state, parts: good }, failAll(bad, 'temporary_channel_failure'));
}

export const lose = (_: View, state: Collecting, { id }: InputOf<'partGone'>): Next<'collecting' | 'failed'> =>
  orphan({ ...state, parts: without(state.parts, id) }, []);

export const stay = (_: View, state: Collecting): Next<'collecting'> => ({ state, effects: [] });

/** Another payment settled the fee: until `valid_until` the scid is just an alias, and these parts pass untouched. */
export const letThrough = (view: View, state: Collecting): Next<'succeeded'> => ({
  state: { tag: 'succeeded' },
  effects: relay(view, state.parts),
});
