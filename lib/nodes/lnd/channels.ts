import { type Sat, wholeSat, msat } from '../../core/amount.ts';
import { fromHex, toHex } from '../../core/bytes.ts';
import { type ChannelId, channelId, type NodeId, nodeId } from '../../core/ids.ts';
import { scid } from '../../core/scid.ts';
import type { WalletChannel } from '../../ports/walletNode.ts';
import type { Channel } from '../../generated/lnd/lightning.ts';
import type { Lnd } from './lnd.ts';

const MSAT_PER_SAT = 1000n;

export const listChannels = async (lnd: Lnd): Promise<readonly Channel[]> =>
  (await lnd.call('ListChannels', lnd.lightning.listChannels.bind(lnd.lightning), {})).channels;

/** The channel id of BOLT 2, out of `txid:vout`. @throws DecodeError */
export function channelIdOf(channelPoint: string): ChannelId {
  const [txid = '', vout = '0'] = channelPoint.split(':');
  const bytes = fromHex(txid).reverse();
  const index = Number(vout);
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ (index & 0xff);
  bytes[last - 1] = (bytes[last - 1] ?? 0) ^ (index >> 8);
  return channelId(toHex(bytes));
}

export const peerOf = (channel: Channel): NodeId => nodeId(channel.remotePubkey);
export const capacityOf = (channel: Channel): Sat => wholeSat(channel.capacity);

/** The channel over which an HTLC came: lnd names it by its alias or by its confirmed id. */
export const channelOver = (channels: readonly Channel[], chanId: bigint): Channel | undefined =>
  channels.find((channel) => channel.chanId === chanId || channel.aliasScids.includes(chanId));

/** lnd's channels, as far as they can be paid through. */
export async function walletChannels(lnd: Lnd): Promise<readonly WalletChannel[]> {
  return Promise.all((await listChannels(lnd)).map((channel) => toWalletChannel(lnd, channel)));
}

async function toWalletChannel(lnd: Lnd, channel: Channel): Promise<WalletChannel> {
  // By these the peer must abide.
  const reserve = channel.remoteConstraints?.chanReserveSat ?? 0n;
  const receivable = channel.remoteBalance > reserve ? (channel.remoteBalance - reserve) * MSAT_PER_SAT : 0n;
  const largest = channel.remoteConstraints?.maxPendingAmtMsat ?? receivable;
  return {
    channelId: channelIdOf(channel.channelPoint),
    peer: peerOf(channel),
    usable: channel.active,
    receivable: msat(receivable),
    largestPart: msat(largest < receivable ? largest : receivable),
    hint: await hintOf(lnd, channel),
  };
}

/** What the peer asks for forwarding to us; undefined as long as it has not told. */
async function hintOf(lnd: Lnd, channel: Channel): Promise<WalletChannel['hint']> {
  const { lightning } = lnd;
  const edge = await lnd
    .call('GetChanInfo', lightning.getChanInfo.bind(lightning), { chanId: channel.chanId })
    .catch(() => undefined);
  const policy = edge?.node1Pub === channel.remotePubkey ? edge.node1Policy : edge?.node2Policy;
  if (!policy) return undefined;
  return {
    scid: scid(channel.peerScidAlias === 0n ? channel.chanId : channel.peerScidAlias),
    feeBaseMsat: Number(policy.feeBaseMsat),
    feeProportionalPpm: Number(policy.feeRateMilliMsat),
    cltvExpiryDelta: policy.timeLockDelta,
  };
}
