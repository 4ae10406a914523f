import { msat } from '../core/amount.ts';
import { mayBeOut } from './awaitingChannel.ts';
import type { Effect, Forwarded, InputOf, Next, Part, StateOf, View } from './data.ts';
import { hold } from './late.ts';
import { abandon, byFallingAmount, forward, isInTime, isTooMuch, mayForward, relay } from './parts.ts';

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

/** Sends on held parts in the place of failed ones, the largest first; no more of them than a set may have. */
function promote(view: View, state: StateOf<'awaitingSettlement'>): Next<'awaitingSettlement'> {
  if (!mayForward(view) || !state.forwarded.some(({ outcome }) => outcome === 'failed')) return { state, effects: [] };
  const forwarded = [...state.forwarded];
  const late: Part[] = [];
  let owing: bigint = view.feeOwing;
  for (const part of [...state.late].sort(byFallingAmount)) {
    const live = forwarded.filter(({ outcome }) => outcome !== 'failed');
    const bears = part.amount - owing >= (view.channel?.htlcMinimum ?? 1n) && isInTime(view, part);
    if (!bears || isTooMuch(view, [...live, part])) {
      late.push(part);
      continue;
    }
    forwarded.push({ ...part, extraFee: msat(owing), outcome: 'pending' });
    owing = 0n;
  }
  const effects = forwarded.slice(state.forwarded.length).map((part) => forward(part, part.extraFee));
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

export const released = (view: View, state: StateOf<'broadcasting'>): Resolved =>
  endIfResolved(view, { ...state, tag: 'awaitingSettlement' });

function endIfResolved(view: View, state: StateOf<'awaitingSettlement'>): Resolved {
  if (state.forwarded.some((part) => part.outcome === 'pending')) return { state, effects: [] };
  const paidInPart = state.forwarded.some((part) => part.outcome === 'settled');
  if (paidInPart && view.feeOwing === 0n) {
    return { state: { tag: 'succeeded' }, effects: relay(view, state.late) };
  }
  const ended = abandon(state.late, 'temporary_channel_failure', paidInPart ? 'underpaid' : 'paymentFailed');
  // Nobody paid for a channel that was never broadcast: it and its inputs are released (L6).
  const release: readonly Effect[] = view.channel && !mayBeOut(view.channel) ? [{ tag: 'abandonChannel' }] : [];
  return { state: ended.state, effects: [...release, ...ended.effects] };
}
