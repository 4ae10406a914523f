import type { Effect, InputOf, StateOf, View } from './data.ts';
import { failAll, splitByTime, without } from './parts.ts';

// Parts that come when their set is already on its way. Until the fee is settled nothing passes for free: they are held, as
// long as a set may collect.

export type WithLate = StateOf<'awaitingChannel'> | StateOf<'awaitingSettlement'> | StateOf<'broadcasting'>;

const same = <S>(state: S, effects: readonly Effect[] = []): { state: S; effects: readonly Effect[] } => ({
  state,
  effects,
});

export function hold<S extends WithLate>(view: View, state: S, { part }: InputOf<'partArrived'>) {
  if (state.late.length >= view.rules.partsMax) return same(state, failAll([part], 'temporary_channel_failure'));
  const lateSince = state.late.length === 0 ? view.now : state.lateSince;
  return same<S>({ ...state, late: [...state.late, part], lateSince });
}

export const drop = <S extends WithLate>(_: View, state: S) =>
  same<S>({ ...state, late: [] }, failAll(state.late, 'temporary_channel_failure'));

export const expire = <S extends WithLate>(_: View, state: S) =>
  same<S>({ ...state, late: [] }, failAll(state.late, 'unknown_next_peer'));

export function watchMargin<S extends WithLate>(view: View, state: S) {
  const { good, bad } = splitByTime(view, state.late);
  return same<S>({ ...state, late: good }, failAll(bad, 'temporary_channel_failure'));
}

export const lose = <S extends WithLate>(_: View, state: S, { id }: InputOf<'partGone'>) =>
  same<S>({ ...state, late: without(state.late, id) });

export const stay = <S extends WithLate>(_: View, state: S) => same(state);
