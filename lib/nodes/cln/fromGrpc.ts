import { msat } from '../../core/amount.ts';
import { toHex } from '../../core/bytes.ts';
import { channelId, nodeId, paymentHash } from '../../core/ids.ts';
import { parseScid } from '../../core/scid.ts';
import {
  ChannelSide,
  ChannelState,
  HtlcState,
  type ListpeerchannelsChannels,
  ListpeerchannelsChannelsHtlcs_ListpeerchannelsChannelsHtlcsDirection as Direction,
} from '../../generated/cln/node.ts';
import type { ClnChannel } from './lightningd.ts';

const OPENING = new Set<ChannelState>([
  ChannelState.Openingd,
  ChannelState.ChanneldAwaitingLockin,
  ChannelState.DualopendOpenInit,
  ChannelState.DualopendAwaitingLockin,
  ChannelState.DualopendOpenCommitted,
  ChannelState.DualopendOpenCommittReady,
]);
const NORMAL = new Set<ChannelState>([ChannelState.ChanneldNormal, ChannelState.ChanneldAwaitingSplice]);
/** From here on an incoming HTLC is being removed. */
const REMOVED = new Set<HtlcState>([
  HtlcState.SentRemoveHtlc,
  HtlcState.SentRemoveCommit,
  HtlcState.RcvdRemoveRevocation,
  HtlcState.RcvdRemoveAckCommit,
  HtlcState.SentRemoveAckRevocation,
]);

/** A channel as gRPC has it. */
export function channelFromGrpc(channel: ListpeerchannelsChannels): ClnChannel {
  const { state, shortChannelId, alias, updates } = channel;
  const names = [shortChannelId, alias?.local].flatMap((text) => (text === undefined ? [] : parseScid(text)));
  const remote = updates?.remote;
  return {
    peer: nodeId(toHex(channel.peerId)),
    peerConnected: channel.peerConnected,
    state: OPENING.has(state) ? 'opening' : NORMAL.has(state) ? 'normal' : 'closing',
    channelId: channel.channelId && channelId(toHex(channel.channelId)),
    names,
    confirmed: shortChannelId !== undefined,
    remoteAlias: alias?.remote === undefined ? undefined : parseScid(alias.remote),
    openedByPeer: channel.opener === ChannelSide.REMOTE,
    closedByPeer: channel.closer === ChannelSide.REMOTE,
    capacity: msat(channel.totalMsat?.msat ?? 0n),
    toUs: msat(channel.toUsMsat?.msat ?? 0n),
    receivable: msat(channel.receivableMsat?.msat ?? 0n),
    inFlightMax: msat(channel.ourMaxHtlcValueInFlightMsat?.msat ?? channel.receivableMsat?.msat ?? 0n),
    policy: remote && {
      feeBaseMsat: Number(remote.feeBaseMsat?.msat ?? 0n),
      feeProportionalPpm: remote.feeProportionalMillionths,
      cltvExpiryDelta: remote.cltvExpiryDelta,
    },
    unanswered: channel.htlcs
      .filter(({ direction, state: at }) => direction === Direction.IN && !REMOVED.has(at))
      .map((htlc) => paymentHash(toHex(htlc.paymentHash))),
  };
}
