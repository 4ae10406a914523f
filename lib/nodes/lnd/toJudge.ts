import type { Channel } from '../../generated/lnd/lightning.ts';
import type { PartSet as Judged } from '../../ports/gates.ts';
import { channelIdOf, channelOver, peerOf } from './channels.ts';
import type { Claim } from './made.ts';
import type { Part } from './parts.ts';
import type { PartSet } from '../parts/partSets.ts';
import { toJudge as judgedBy } from '../parts/toJudge.ts';

/** A set as the gates judge it. */
export const toJudge = (set: PartSet<Part>, channels: readonly Channel[]): Judged =>
  judgedBy(set, ({ circuit }) => {
    const channel = channelOver(channels, circuit.chanId);
    if (!channel) return undefined;
    const confirmed = !channel.zeroConf || channel.zeroConfConfirmedScid !== 0n;
    return { channelId: channelIdOf(channel.channelPoint), peer: peerOf(channel), confirmed };
  });

/** What the channels of a set have received in all. */
export function booksOf(set: PartSet<Part>, channels: readonly Channel[]): Claim['before'] {
  const used = [...set.parts.values()].flatMap(({ circuit }) => channelOver(channels, circuit.chanId) ?? []);
  return [...new Map(used.map((each) => [each.channelPoint, each.totalSatoshisReceived]))];
}
