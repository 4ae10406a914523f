import { type Msat, msat, sum } from '../core/amount.ts';
import type { FailureReason } from '../core/failureCode.ts';
import { shareFee } from '../protocol/lsps2/extraFee.ts';
import type { EndReason, Forwarded, Next, Part, PartEffect, View } from './data.ts';
import { feeOwing, sizeOf } from './price.ts';

// What several states do with parts.

/** Whether parts may go to the client now: both sides ready (L4), and the funding out if the LSP trusts (L5). */
export function mayForward({ channel, offer }: View): boolean {
  if (channel?.stage !== 'ready' || channel.channelId === undefined || channel.fundingTxid === undefined) return false;
  return offer.trust === 'client-trusts-lsp' || channel.broadcast === 'done';
}

export const amountOf = (parts: readonly Part[]): Msat => sum(parts.map((part) => part.amount));

export const failAll = (parts: readonly Part[], reason: FailureReason): readonly PartEffect[] =>
  parts.map(({ id }) => ({ tag: 'failPart', id, reason }));

/** Ends a session without a channel. */
export const fail = (parts: readonly Part[], reason: FailureReason, why: EndReason): Next<'failed'> => ({
  state: { tag: 'failed', reason: why },
  effects: failAll(parts, reason),
});

export const abandon = (parts: readonly Part[], reason: FailureReason, why: EndReason): Next<'abandoned'> => ({
  state: { tag: 'abandoned', reason: why },
  effects: failAll(parts, reason),
});

/** Whether a part still reaches the client in time. */
export const isInTime = ({ height, rules }: Pick<View, 'height' | 'rules'>, part: Part): boolean =>
  part.outgoingExpiryHeight - height >= rules.cltvMarginBlocks;

/** For sorting: the largest first, equal ones in their order. */
export const byFallingAmount = (a: { readonly amount: bigint }, b: { readonly amount: bigint }): number =>
  a.amount === b.amount ? 0 : a.amount > b.amount ? -1 : 1;

/** Sends a part on, less its share of the fee. */
export const forward = ({ id, amount }: Part, extraFee: Msat): PartEffect => ({
  tag: 'forwardPart',
  id,
  amount: msat(amount - extraFee),
  extraFee,
});

/** Parts that still reach the client, and those that do not: one bad part must not sink the others. */
export function splitByTime(
  view: View,
  parts: readonly Part[],
): { readonly good: readonly Part[]; readonly bad: readonly Part[] } {
  return { good: parts.filter((part) => isInTime(view, part)), bad: parts.filter((part) => !isInTime(view, part)) };
}

/** BOLT 4 lets a payer pay up to twice what was asked. */
const OVERPAYMENT_MAX = 2n;

/** The most parts that may be under way together: the operator's limit, or the channel's. */
export const partsMax = ({ rules, channel }: Pick<View, 'rules' | 'channel'>): number =>
  Math.min(rules.partsMax, channel?.partsMax ?? rules.partsMax);

/**
 * Whether parts are more than a set may be: in number, in sum, or beyond what was sold. With a variable amount each part is
 * a payment of its own, and only one of them is the set.
 */
export function isTooMuch(view: Pick<View, 'offer' | 'rules' | 'channel'>, parts: readonly Part[]): boolean {
  if (parts.length > partsMax(view)) return true;
  const { paymentSize, maxPaymentSize } = view.offer;
  if (paymentSize === undefined) return parts.some(({ amount }) => amount > maxPaymentSize);
  const total = parts.reduce((before, { amount }) => before + amount, 0n);
  return total > maxPaymentSize || total > OVERPAYMENT_MAX * paymentSize;
}

/** Why no set could take this part, as the failure that its payer gets; undefined when one could. */
export function hopelessness(
  view: Pick<View, 'offer' | 'rules' | 'channel' | 'height'>,
  part: Part,
): FailureReason | undefined {
  const { offer, rules } = view;
  // bLIP-52 section 2: a size outside of what was sold; with a variable amount only the HTLC tells it.
  if (offer.paymentSize === undefined && sizeOf(offer, [part]) === undefined) return 'unknown_next_peer';
  if (part.amount < rules.partMin || isTooMuch(view, [part]) || !isInTime(view, part))
    return 'temporary_channel_failure';
  return undefined;
}

export const without = (parts: readonly Part[], id: string): readonly Part[] => parts.filter((part) => part.id !== id);

/** Passes parts on as they came; those that would be too late are given back. */
export function relay(view: View, parts: readonly Part[]): readonly PartEffect[] {
  const { good, bad } = splitByTime(view, parts);
  return [...good.map((part) => forward(part, msat(0n))), ...failAll(bad, 'temporary_channel_failure')];
}

/**
 * The owing fee shared over the parts, if each still carries the client's minimum (L4). Only the largest parts that make up
 * the payment bear it: a stranger's dust must not carry a share away by failing.
 */
export function bearableShares(view: View, parts: readonly Part[], htlcMinimum: Msat): readonly Msat[] | undefined {
  const amounts = parts.map((part) => part.amount);
  const falling = amounts.map((amount, index) => ({ amount, index })).sort(byFallingAmount);
  const bearers = new Set<number>();
  const size = sizeOf(view.offer, parts) ?? 0n;
  let total = 0n;
  for (const { amount, index } of falling) {
    if (total >= size) break;
    bearers.add(index);
    total += amount;
  }
  const borne = shareFee(
    amounts.filter((_, index) => bearers.has(index)),
    feeOwing(view, parts),
    htlcMinimum,
  );
  if (!borne) return undefined;
  const rest = [...borne];
  const shares = amounts.map((_, index) => (bearers.has(index) ? (rest.shift() ?? msat(0n)) : msat(0n)));
  return shares.every((share, index) => (amounts[index] ?? 0n) - share >= htlcMinimum) ? shares : undefined;
}

/**
 * Sends a set to the client over the ready channel, the owing fee shared over it; undefined when it cannot bear it. A purchase
 * that was underpaid before gets no more than what bears the fee; the rest waits until that is settled.
 */
export function forwardSet(
  view: View,
  parts: readonly Part[],
  { late, lateSince }: { readonly late: readonly Part[]; readonly lateSince: number } = { late: [], lateSince: 0 },
): Next<'awaitingSettlement'> | undefined {
  const shares = bearableShares(view, parts, view.channel?.htlcMinimum ?? msat(1n));
  if (!shares) return undefined;
  const all = parts.map((part, index): Forwarded => {
    return { ...part, extraFee: shares[index] ?? msat(0n), outcome: 'pending' };
  });
  const travels = ({ extraFee }: Forwarded) => !view.underpaid || extraFee > 0n;
  const forwarded = all.filter(travels);
  const waiting = parts.filter((_, index) => all[index] && !travels(all[index]));
  return {
    state: {
      tag: 'awaitingSettlement',
      forwarded,
      late: [...waiting, ...late],
      lateSince: late.length === 0 && waiting.length > 0 ? view.now : lateSince,
    },
    effects: forwarded.map((part) => forward(part, part.extraFee)),
  };
}
