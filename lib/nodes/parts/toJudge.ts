import type { PartSet as Judged, UsedChannel } from '../../ports/gates.ts';
import { extraFeeOf, type HeldPart, type PartSet, receivedOf } from './partSets.ts';

/** A set as the gates judge it: each part with its peer, and all channels over which it came. `overOf`: undefined where it is not known. */
export function toJudge<Part extends HeldPart>(
  set: PartSet<Part>,
  overOf: (part: Part) => UsedChannel | undefined,
): Judged {
  const parts = [...set.parts.values()].map((part) => ({ part, over: overOf(part) }));
  const over = new Map(parts.flatMap(({ over: each }) => (each ? [[each.channelId, each] as const] : [])));
  const known = parts.every((each) => each.over !== undefined);
  const [only] = over.size === 1 && known ? over.values() : [];
  return {
    paymentHash: set.paymentHash,
    received: receivedOf(set),
    extraFee: extraFeeOf(set),
    peer: only?.peer,
    channelId: only?.channelId,
    channels: known ? [...over.values()] : undefined,
    parts: parts.map(({ part: { amount, extraFee, onionAmount }, over: each }) => ({
      amount,
      extraFee,
      onionAmount,
      peer: each?.peer,
    })),
  };
}
