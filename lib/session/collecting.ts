import { msat } from '../core/amount.ts';
import type { InputOf, Next, Part, StateOf, View } from './data.ts';
import { amountOf, fail, forwardSet, inTime, relay } from './parts.ts';

type Collecting = StateOf<'collecting'>;
type GoneOn = Next<'collecting' | 'awaitingChannel' | 'awaitingSettlement' | 'failed'>;

/** A part joins the set; a complete set goes on. */
export function collect(view: View, state: Collecting, { part }: InputOf<'partArrived'>): GoneOn {
  const parts = [...state.parts, part];
  if (parts.length > view.rules.partsMax) return fail(parts, 'temporary_channel_failure', 'tooManyParts');
  return goOn(view, { ...state, parts });
}

/** bLIP-52 section 4: a set goes on once it is complete, in time, its client connected, and the purchase free. */
export function goOn(view: View, state: Collecting): GoneOn {
  const stay: Next<'collecting'> = { state, effects: [] };
  if (amountOf(state.parts) < view.offer.paymentSize || view.taken) return stay;
  if (view.now >= view.offer.validUntil) return fail(state.parts, 'unknown_next_peer', 'offerExpired');
  if (!inTime(view, state.parts)) return fail(state.parts, 'temporary_channel_failure', 'cltvMarginGone');
  if (!view.clientConnected) return { state, effects: [{ tag: 'wakeClient' }] };
  return view.channel ? useChannel(view, state.parts) : openOne(view, state.parts);
}

/** The channel that an earlier session left unpaid. */
function useChannel(
  view: View,
  parts: readonly Part[],
): Next<'collecting' | 'awaitingChannel' | 'awaitingSettlement' | 'failed'> {
  if (view.channel?.stage !== 'ready') {
    return { state: { tag: 'awaitingChannel', parts, deadline: view.now + view.rules.readySeconds }, effects: [] };
  }
  return forwardSet(view, parts) ?? fail(parts, 'unknown_next_peer', 'feeNotBearable');
}

function openOne(view: View, parts: readonly Part[]): Next<'awaitingChannel' | 'failed'> {
  if (view.openAttemptsLeft <= 0) return fail(parts, 'unknown_next_peer', 'channelFailed');
  return {
    state: { tag: 'awaitingChannel', parts, deadline: view.now + view.rules.acceptSeconds },
    effects: [{ tag: 'openChannel', net: msat(amountOf(parts) - view.feeOwing) }],
  };
}

/** bLIP-52 section 4: the parts of an incomplete set fail with temporary_channel_failure, and are forgotten. */
export const giveUp = (_: View, state: Collecting): Next<'failed'> =>
  fail(state.parts, 'temporary_channel_failure', 'collectTimedOut');

/** bLIP-52 section 4: after `valid_until` they fail with unknown_next_peer. */
export const expire = (_: View, state: Collecting): Next<'failed'> =>
  fail(state.parts, 'unknown_next_peer', 'offerExpired');

/** Without parts there would be no session: as long as it collects, only the margin can end it. */
export function watchMargin(view: View, state: Collecting): Next<'collecting' | 'failed'> {
  if (inTime(view, state.parts)) return { state, effects: [] };
  return fail(state.parts, 'temporary_channel_failure', 'cltvMarginGone');
}

export const stay = (_: View, state: Collecting): Next<'collecting'> => ({ state, effects: [] });

/** Another payment settled the fee: until `valid_until` the scid is just an alias, and these parts pass untouched. */
export const letThrough = (_: View, state: Collecting): Next<'succeeded'> => ({
  state: { tag: 'succeeded' },
  effects: relay(state.parts),
});
