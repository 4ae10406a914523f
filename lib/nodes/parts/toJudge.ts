import type { ChannelId, NodeId } from '../../core/ids.ts';
import type { PartSet as Judged } from '../../ports/gates.ts';
import { extraFeeOf, type HeldPart, type PartSet, receivedOf } from './partSets.ts';

/** The channel over which a part came. */
interface Over {
  readonly channelId: ChannelId;
  readonly peer: NodeId;
}

/** A set as the gates judge it: each part with its peer, and all channels over which it came. `overOf`: undefined where it is not known. */
export function toJudge<Part extends HeldPart>(set: PartSet<Part>, overOf: (part: Part) => Over | undefined): Judged {
  const parts = [...set.parts.values()].map((part) => ({ part, over: overOf(part) }));
  const over = new Map(parts.flatMap(({ over: each }) => (each ? [[each.channelId, each.peer] as const] : [])));
  const known = parts.every((each) => each.over !== undefined);
  const [only] = over.size === 1 && known ? [...over] : [];
  return {
    paymentHash: set.paymentHash,
    received: receivedOf(set),
    extraFee: extraFeeOf(set),
    peer: only?.[1],
    channelId: only?.[0],
    channels: known ? [...over].map(([channelId, peer]) => ({ channelId, peer })) : undefined,
    parts: parts.map(({ part: { amount, extraFee, onionAmount }, over: each }) => ({
      amount,
      extraFee,
      onionAmount,
      peer: each?.peer,
    })),
  };
}
