import { msat } from '../core/amount.ts';
import { shareFee } from '../protocol/lsps2/extraFee.ts';
import type { Effect, EndReason, InputOf, Limits, Next, StateOf, View } from './data.ts';
import { abandon, amountOf, fail, failAll, forwardSet, inTime } from './parts.ts';

type Waiting = StateOf<'awaitingChannel'>;

export const stay = (_: View, state: Waiting): Next<'awaitingChannel'> => ({ state, effects: [] });

/** A part more than needed travels with the set, as long as there is room. */
export function queue(view: View, state: Waiting, { part }: InputOf<'partArrived'>): Next<'awaitingChannel'> {
  if (state.parts.length >= view.rules.partsMax) {
    return { state, effects: failAll([part], 'temporary_channel_failure') };
  }
  return { state: { ...state, parts: [...state.parts, part] }, effects: [] };
}

/** After accept_channel, before a satoshi is committed: does the set fit through this channel? */
export function fund(
  view: View,
  state: Waiting,
  { limits }: InputOf<'channelAccepted'>,
): Next<'awaitingChannel' | 'failed'> {
  if (!fits(view, state, limits)) return giveBack(state, 'channelUnfit');
  return {
    state: { ...state, deadline: view.now + view.rules.fundSeconds },
    effects: [{ tag: 'fundChannel' }],
  };
}

function fits(view: View, state: Waiting, limits: Limits): boolean {
  const { offer } = view;
  const net = amountOf(state.parts) - view.feeOwing;
  return (
    limits.sendable >= net &&
    limits.toSelfDelayBlocks <= offer.maxClientToSelfDelayBlocks &&
    // A client that waits for the confirmation of what we withhold would wait for ever.
    (offer.trust === 'lsp-trusts-client' || limits.minimumDepth === 0) &&
    shareFee(
      state.parts.map((part) => part.amount),
      view.feeOwing,
      msat(limits.htlcMinimum),
    ) !== undefined
  );
}

/** funding_signed: who trusts whom decides whether the funding transaction goes out now. */
export function funded(view: View, state: Waiting): Next<'awaitingChannel' | 'awaitingSettlement' | 'abandoned'> {
  const waiting = { ...state, deadline: view.now + view.rules.readySeconds };
  if (view.offer.trust === 'lsp-trusts-client') return { state: waiting, effects: [{ tag: 'broadcastFunding' }] };
  return goOn(view, waiting);
}

/** Forwards once both sides are ready and, if the LSP trusts, the funding transaction is out (L4, L5). */
export function goOn(view: View, state: Waiting): Next<'awaitingChannel' | 'awaitingSettlement' | 'abandoned'> {
  const { channel, offer } = view;
  const released = offer.trust === 'client-trusts-lsp' || channel?.broadcast;
  if (channel?.stage !== 'ready' || !released) return stay(view, state);
  const next = forwardSet(view, state.parts);
  return next ?? abandon(state.parts, 'unknown_next_peer', 'feeNotBearable');
}

/** bLIP-52 section 5: a disconnect before funding_signed fails the parts and gives the purchase back. */
export function disconnect(view: View, state: Waiting): Next<'awaitingChannel' | 'failed'> {
  if (view.channel?.stage === 'funded' || view.channel?.stage === 'ready') return stay(view, state);
  return giveBack(state, 'clientDisconnected');
}

/** bLIP-52 section 5: the client answered the open with `error`. */
export const refused = (_: View, state: Waiting): Next<'failed'> =>
  fail(state.parts, 'unknown_next_peer', 'clientRefused');

export const broke = (_: View, state: Waiting): Next<'failed'> =>
  fail(state.parts, 'temporary_channel_failure', 'channelFailed');

export const tooLate = (view: View, state: Waiting): Next<'failed' | 'abandoned'> =>
  endEarly(view, state, 'openTimedOut');

export function watchMargin(view: View, state: Waiting): Next<'awaitingChannel' | 'failed' | 'abandoned'> {
  return inTime(view, state.parts) ? stay(view, state) : endEarly(view, state, 'cltvMarginGone');
}

/** What is out cannot be taken back: a broadcast channel stays, unpaid, for the next session of this purchase. */
function endEarly(view: View, state: Waiting, why: EndReason): Next<'failed' | 'abandoned'> {
  if (view.channel?.broadcast) return abandon(state.parts, 'temporary_channel_failure', why);
  return giveBack(state, why);
}

function giveBack(state: Waiting, why: EndReason): Next<'failed'> {
  const release: readonly Effect[] = [{ tag: 'abandonChannel' }];
  const { state: failed, effects } = fail(state.parts, 'temporary_channel_failure', why);
  return { state: failed, effects: [...release, ...effects] };
}
