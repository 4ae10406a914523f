import type { Channel } from '../../generated/lnd/lightning.ts';
import type { PartSet as Judged } from '../../ports/gates.ts';
import { channelIdOf, channelOver, peerOf } from './channels.ts';
import type { Claim } from './made.ts';
import type { Part } from './parts.ts';
import { extraFeeOf, type PartSet, receivedOf } from '../parts/partSets.ts';

/** A set as the gates judge it: each part with its peer, and all channels over which it came. */
export function toJudge(set: PartSet<Part>, channels: readonly Channel[]): Judged {
  const parts = [...set.parts.values()].map((part) => ({ part, over: channelOver(channels, part.circuit.chanId) }));
  const over = new Map(
    parts.flatMap(({ over: channel }) =>
      channel ? [[channelIdOf(channel.channelPoint), peerOf(channel)] as const] : [],
    ),
  );
  const known = parts.every((part) => part.over !== undefined);
  const [only] = over.size === 1 && known ? [...over] : [];
  return {
    paymentHash: set.paymentHash,
    received: receivedOf(set),
    extraFee: extraFeeOf(set),
    peer: only?.[1],
    channelId: only?.[0],
    channels: known ? [...over].map(([channelId, peer]) => ({ channelId, peer })) : undefined,
    parts: parts.map(({ part: { amount, extraFee, onionAmount }, over: channel }) => ({
      amount,
      extraFee,
      onionAmount,
      peer: channel && peerOf(channel),
    })),
  };
}

/** What the channels of a set have received in all. */
export function booksOf(set: PartSet<Part>, channels: readonly Channel[]): Claim['before'] {
  const used = [...set.parts.values()].flatMap(({ circuit }) => channelOver(channels, circuit.chanId) ?? []);
  return [...new Map(used.map((each) => [each.channelPoint, each.totalSatoshisReceived]))];
}
