import { sum } from '../core/amount.ts';
import { heldOf, type Purchase, type PurchaseInput, type Result } from '../session/purchase.ts';
import type { Context } from './context.ts';

/** Tells the operator what a step brought, once it is saved. What effects do, they tell themselves. */
export function report(
  { emit }: Context,
  { before, input, result }: { readonly before: Purchase; readonly input: PurchaseInput; readonly result: Result },
): void {
  const { scid } = before.offer;
  if (
    input.tag === 'partArrived' &&
    !result.odd &&
    result.orders.every((o) => !('id' in o) || o.id !== input.part.id)
  ) {
    const state = result.purchase.sessions[input.paymentHash] ?? before.sessions[input.paymentHash];
    const others = state ? heldOf(state) : [];
    const parts = [...others.filter((part) => part.id !== input.part.id), input.part];
    const { id, amount } = input.part;
    const { paymentHash } = input;
    emit('partHeld', {
      scid,
      paymentHash,
      id,
      amount,
      heldTotal: sum(parts.map((p) => p.amount)),
      parts: parts.length,
    });
  }
  if (result.odd) return;
  if (input.tag === 'channelFunded') emit('channelFunded', { scid, fundingTxid: input.fundingTxid });
  if (input.tag === 'channelReady') emit('channelReady', { scid, channelId: input.channelId });
  if (input.tag === 'partSettled') emit('partSettled', { scid, paymentHash: input.paymentHash, id: input.id });
  if (input.tag === 'partFailed') {
    emit('partFailed', { scid, paymentHash: input.paymentHash, id: input.id, reason: 'client' });
  }
  if (input.tag === 'partGone') {
    emit('partFailed', { scid, paymentHash: input.paymentHash, id: input.id, reason: 'gone' });
  }
  for (const { paymentHash, state } of result.ended) {
    emit('ended', { scid, paymentHash, how: state.tag, reason: 'reason' in state ? state.reason : undefined });
  }
}
