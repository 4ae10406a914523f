import type { Channel, Stage } from './data.ts';
import type { ChannelNews, Purchase } from './purchase.ts';

// What the node tells of the channel, and what the purchase's record makes of it.

/** Whether this was not known before: nodes repeat themselves. */
export function isNews(channel: Channel, input: ChannelNews): boolean {
  switch (input.tag) {
    case 'channelAccepted':
      return channel.stage === 'opening';
    case 'channelFunded':
      return channel.fundingTxid === undefined && channel.stage !== 'closed';
    case 'channelReady':
      return channel.stage !== 'ready' && channel.stage !== 'closed';
    case 'fundingBroadcast':
      return channel.broadcast === 'ordered';
    case 'channelRefused':
    case 'channelFailed':
      return channel.stage !== 'closed';
  }
}

const STAGES: readonly Stage[] = ['opening', 'accepted', 'funded', 'ready', 'closed'];
const later = (a: Stage, b: Stage): Stage => (STAGES.indexOf(a) > STAGES.indexOf(b) ? a : b);

type News = Pick<Purchase, 'channel' | 'over' | 'refusals'>;

export function withNews(purchase: Purchase, channel: Channel, input: ChannelNews): News {
  const { over, refusals } = purchase;
  const { stage } = channel;
  switch (input.tag) {
    case 'channelAccepted': {
      const { htlcMinimum, partsMax } = input.limits;
      return { over, refusals, channel: { ...channel, stage: 'accepted', htlcMinimum, partsMax } };
    }
    case 'channelFunded': {
      const { channelId, fundingTxid } = input;
      return { over, refusals, channel: { ...channel, stage: later(stage, 'funded'), channelId, fundingTxid } };
    }
    case 'channelReady':
      return { over, refusals, channel: { ...channel, stage: 'ready', channelId: input.channelId } };
    case 'fundingBroadcast':
      return { over, refusals, channel: { ...channel, broadcast: 'done' } };
    case 'channelRefused':
    case 'channelFailed': {
      // Closed, not forgotten: its funding transaction may be out, or may still have to go out.
      const refused = input.tag === 'channelRefused' ? 1 : 0;
      return {
        over: over || channel.broadcast !== 'no',
        refusals: refusals + refused,
        channel: { ...channel, stage: 'closed' },
      };
    }
  }
}
