import { msat } from '../core/amount.ts';
import { goOn, mayBeOut } from './awaitingChannel.ts';
import type { Effect, Forwarded, InputOf, Next, Part, StateOf, View } from './data.ts';
import { hold } from './late.ts';
import { abandon, byFallingAmount, forward, isInTime, isTooMuch, mayForward, relay } from './parts.ts';
import { feeOwing, setOf } from './price.ts';

type Resolved = Next<'awaitingSettlement' | 'succeeded' | 'abandoned'>;

const resolve = (forwarded: readonly Forwarded[], id: string, outcome: 'settled' | 'failed'): readonly Forwarded[] =>
  forwarded.map((part) => (part.id === id && part.outcome === 'pending' ? { ...part, outcome } : part));

/**
 * A part that replaces one that failed carries what is owing by that, if it can bear it: the client may be waiting for
 * exactly this part. Any other part is held until the fee is settled.
 */
export function replace(
  view: View,
  state: StateOf<'awaitingSettlement'>,
  input: InputOf<'partArrived'>,
): Next<'awaitingSettlement'> {
  const held = hold(view, state, input);
  return held.effects.length > 0 ? held : promote(view, held.state);
}

/**
 * Sends on held parts in the place of missing ones, the largest first, and no more than complete the set: what is beyond it
 * would travel for free, and stand in for a part that fails later.
 */
function promote(view: View, state: StateOf<'awaitingSettlement'>): Next<'awaitingSettlement'> {
  if (!mayForward(view) || !view.clientConnected) return { state, effects: [] };
  // What has failed is of no use any more: a client that fails each replacement must not make the record grow.
  const forwarded = state.forwarded.filter(({ outcome }) => outcome !== 'failed');
  const before = forwarded.length;
  const late: Part[] = [];
  let owing: bigint = feeOwing(view, state.forwarded);
  for (const part of [...state.late].sort(byFallingAmount)) {
    const isComplete = setOf(view.offer, forwarded) !== undefined;
    const bears = part.amount - owing >= (view.channel?.htlcMinimum ?? 1n) && isInTime(view, part);
    if (isComplete || !bears || isTooMuch(view, [...forwarded, part])) {
      late.push(part);
      continue;
    }
    forwarded.push({ ...part, extraFee: msat(owing), outcome: 'pending' });
    owing = 0n;
  }
  if (forwarded.length === before) return { state, effects: [] };
  const effects = forwarded.slice(before).map((part) => forward(part, part.extraFee));
  return { state: { ...state, forwarded, late }, effects };
}

/**
 * The client took a part. With withheld funding its first preimage is what the LSP was waiting for (L5); a known preimage
 * always wins, even when the channel has closed meanwhile.
 */
export function settle(
  view: View,
  state: StateOf<'awaitingSettlement'>,
  { id }: InputOf<'partSettled'>,
): Next<'awaitingSettlement' | 'broadcasting' | 'succeeded' | 'abandoned'> {
  const forwarded = resolve(state.forwarded, id, 'settled');
  if (view.channel && !mayBeOut(view.channel)) {
    return { state: { ...state, tag: 'broadcasting', forwarded }, effects: [{ tag: 'broadcastFunding' }] };
  }
  return endIfResolved(view, { ...state, forwarded });
}

export function refuse(view: View, state: StateOf<'awaitingSettlement'>, { id }: InputOf<'partFailed'>): Resolved {
  const next = endIfResolved(view, { ...state, forwarded: resolve(state.forwarded, id, 'failed') });
  return next.state.tag === 'awaitingSettlement' ? promote(view, next.state) : next;
}

/** While broadcasting, parts resolve but nothing ends before the funding transaction is out. */
export function note(
  _: View,
  state: StateOf<'broadcasting'>,
  input: InputOf<'partSettled'> | InputOf<'partFailed'>,
): Next<'broadcasting'> {
  const outcome = input.tag === 'partSettled' ? 'settled' : 'failed';
  return { state: { ...state, forwarded: resolve(state.forwarded, input.id, outcome) }, effects: [] };
}

/**
 * After a restart. What was to be forwarded and is still held waits for the client again: as the set, if none of it was
 * forwarded, or else to join what was.
 */
export function resume(
  view: View,
  state: StateOf<'awaitingSettlement'>,
  input: InputOf<'resumed'>,
): Next<'awaitingChannel' | 'awaitingSettlement' | 'failed' | 'abandoned'> {
  const back = takeBack(view, state, input);
  if (back.state.forwarded.length > 0) return promote(view, back.state);
  const { readySeconds } = view.rules;
  const parts = back.state.late.filter(({ id }) => back.taken.has(id));
  const late = back.state.late.filter(({ id }) => !back.taken.has(id));
  return goOn(view, { ...back.state, tag: 'awaitingChannel', parts, late, deadline: view.now + readySeconds });
}

/** The same while the funding transaction is on its way out: nothing is forwarded before it is. */
export const resumeBroadcasting = (
  view: View,
  state: StateOf<'broadcasting'>,
  input: InputOf<'resumed'>,
): Next<'broadcasting'> => ({ state: takeBack(view, state, input).state, effects: [] });

/** Parts that were ordered to be forwarded and are still held, among the late ones. */
function takeBack<S extends StateOf<'awaitingSettlement'> | StateOf<'broadcasting'>>(
  view: View,
  state: S,
  { held }: InputOf<'resumed'>,
): { readonly state: S; readonly taken: ReadonlySet<string> } {
  const isHeld = ({ id, outcome }: Forwarded) => outcome === 'pending' && held.includes(id);
  const taken = state.forwarded.filter(isHeld);
  if (taken.length === 0) return { state, taken: new Set() };
  const parts = taken.map(({ id, amount, outgoingExpiryHeight }): Part => ({ id, amount, outgoingExpiryHeight }));
  const forwarded = state.forwarded.filter((part) => !isHeld(part));
  const lateSince = state.late.length === 0 ? view.now : state.lateSince;
  const late = [...parts, ...state.late];
  return { state: { ...state, forwarded, late, lateSince }, taken: new Set(parts.map(({ id }) => id)) };
}

/** Parts that wait to join the set may do so now that the client is there. */
export const rejoin = (view: View, state: StateOf<'awaitingSettlement'>): Next<'awaitingSettlement'> =>
  promote(view, state);

export const released = (view: View, state: StateOf<'broadcasting'>): Resolved =>
  endIfResolved(view, { ...state, tag: 'awaitingSettlement' });

function endIfResolved(view: View, state: StateOf<'awaitingSettlement'>): Resolved {
  if (state.forwarded.some((part) => part.outcome === 'pending')) return { state, effects: [] };
  const paidInPart = state.forwarded.some((part) => part.outcome === 'settled');
  if (paidInPart && feeOwing(view, state.forwarded) === 0n) {
    return { state: { tag: 'succeeded' }, effects: relay(view, state.late) };
  }
  const ended = abandon(state.late, 'temporary_channel_failure', paidInPart ? 'underpaid' : 'paymentFailed');
  // Nobody paid for a channel that was never broadcast: it and its inputs are released (L6).
  const release: readonly Effect[] = view.channel && !mayBeOut(view.channel) ? [{ tag: 'abandonChannel' }] : [];
  return { state: ended.state, effects: [...release, ...ended.effects] };
}
