import { type Scid, scid } from '../../core/scid.ts';
import type { UsedChannel } from '../../ports/gates.ts';
import type { WalletChannel } from '../../ports/walletNode.ts';
import type { ClnChannel, Lightningd } from './lightningd.ts';

/** lightningd's channels, as far as they can be paid through. */
export const walletChannels = async (cln: Lightningd): Promise<readonly WalletChannel[]> =>
  (await cln.channels()).flatMap(toWalletChannel);

/** The channel over which an HTLC came. */
export function channelOver(channels: readonly ClnChannel[], name: Scid): UsedChannel | undefined {
  const { channelId, peer, confirmed } = channels.find(({ names }) => names.includes(name)) ?? {};
  return channelId === undefined || peer === undefined ? undefined : { channelId, peer, confirmed };
}

function toWalletChannel(channel: ClnChannel): readonly WalletChannel[] {
  const { channelId, peer, state, peerConnected, receivable, inFlightMax, remoteAlias, names, policy } = channel;
  if (channelId === undefined || state === 'closing') return [];
  const name = remoteAlias ?? names[0];
  return [
    {
      channelId,
      peer,
      usable: state === 'normal' && peerConnected,
      receivable,
      largestPart: inFlightMax < receivable ? inFlightMax : receivable,
      hint: name === undefined || !policy ? undefined : { scid: scid(name), ...policy },
    },
  ];
}
