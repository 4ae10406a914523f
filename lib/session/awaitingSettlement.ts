import type { Effect, Forwarded, InputOf, Next, StateOf, View } from './data.ts';
import { abandon, failAll, inTime, relay } from './parts.ts';

// Also serves `broadcasting`, which is the same but for a funding transaction that is on its way out.

type Settling = StateOf<'awaitingSettlement'> | StateOf<'broadcasting'>;
type Resolved = Next<'awaitingSettlement' | 'succeeded' | 'abandoned'>;

const same = <S extends Settling>(
  state: S,
  effects: readonly Effect[] = [],
): { state: S; effects: readonly Effect[] } => ({
  state,
  effects,
});

/** Until the fee is settled nothing passes for free: the part waits, as long as a set may collect. */
export function hold<S extends Settling>(view: View, state: S, { part }: InputOf<'partArrived'>) {
  if (state.late.length >= view.rules.partsMax) return same(state, failAll([part], 'temporary_channel_failure'));
  const lateSince = state.late.length === 0 ? view.now : state.lateSince;
  return same({ ...state, late: [...state.late, part], lateSince });
}

export const dropLate = <S extends Settling>(_: View, state: S) =>
  same<S>({ ...state, late: [] }, failAll(state.late, 'temporary_channel_failure'));

export const expireLate = <S extends Settling>(_: View, state: S) =>
  same<S>({ ...state, late: [] }, failAll(state.late, 'unknown_next_peer'));

export const watchMargin = <S extends Settling>(view: View, state: S) =>
  inTime(view, state.late) ? same(state) : dropLate(view, state);

export const stay = <S extends Settling>(_: View, state: S) => same(state);

const resolve = (forwarded: readonly Forwarded[], id: string, outcome: 'settled' | 'failed'): readonly Forwarded[] =>
  forwarded.map((part) => (part.id === id && part.outcome === 'pending' ? { ...part, outcome } : part));

/** The client took a part. With withheld funding its first preimage is what the LSP was waiting for (L5). */
export function settle(
  view: View,
  state: StateOf<'awaitingSettlement'>,
  { id }: InputOf<'partSettled'>,
): Next<'awaitingSettlement' | 'broadcasting' | 'succeeded' | 'abandoned'> {
  const forwarded = resolve(state.forwarded, id, 'settled');
  if (view.channel && !view.channel.broadcast) {
    return { state: { ...state, tag: 'broadcasting', forwarded }, effects: [{ tag: 'broadcastFunding' }] };
  }
  return endIfResolved(view, { ...state, forwarded });
}

export function refuse(view: View, state: StateOf<'awaitingSettlement'>, { id }: InputOf<'partFailed'>): Resolved {
  return endIfResolved(view, { ...state, forwarded: resolve(state.forwarded, id, 'failed') });
}

/** While broadcasting, parts resolve but nothing ends before the funding transaction is out. */
export const note = (
  _: View,
  state: StateOf<'broadcasting'>,
  input: InputOf<'partSettled'> | InputOf<'partFailed'>,
): Next<'broadcasting'> => {
  const outcome = input.tag === 'partSettled' ? 'settled' : 'failed';
  return same({ ...state, forwarded: resolve(state.forwarded, input.id, outcome) });
};

export const released = (view: View, state: StateOf<'broadcasting'>): Resolved =>
  endIfResolved(view, { ...state, tag: 'awaitingSettlement' });

function endIfResolved(view: View, state: StateOf<'awaitingSettlement'>): Resolved {
  if (state.forwarded.some((part) => part.outcome === 'pending')) return same(state);
  if (view.feeOwing === 0n) return { state: { tag: 'succeeded' }, effects: relay(state.late) };
  const paidInPart = state.forwarded.some((part) => part.outcome === 'settled');
  const ended = abandon(state.late, 'temporary_channel_failure', paidInPart ? 'underpaid' : 'paymentFailed');
  // Nobody paid for a channel that was never broadcast: it and its inputs are released.
  const release: readonly Effect[] = !view.channel || view.channel.broadcast ? [] : [{ tag: 'abandonChannel' }];
  return { state: ended.state, effects: [...release, ...ended.effects] };
}
