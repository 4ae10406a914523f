import * as ldk from 'lightningdevkit';
import { type Sat, wholeSat } from '../../core/amount.ts';
import { toHex } from '../../core/bytes.ts';
import { txid } from '../../core/ids.ts';
import { scid } from '../../core/scid.ts';
import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import type { ChannelAnswer, ChannelOffer, Funding, Gates } from '../../ports/gates.ts';
import type { KnownToClient, WalletChannel } from '../../ports/walletNode.ts';
import { newUserId, someOf, toChannelId, toMsat, toNodeId, toU128, toU64 } from './fromLdk.ts';
import type { LdkNode } from './node.ts';

const REFUSED_WITHOUT_GATES = 'no channel was bought from you';
const READY = 'ready/';

/** A wallet's channels: which are let in, and what becomes of them. The name of an offer is LDK's user_channel_id, in hex. */
export interface WalletChannels {
  offered(event: ldk.Event_OpenChannelRequest): Promise<void>;
  ready(event: ldk.Event_ChannelReady): void;
  closed(event: ldk.Event_ChannelClosed): void;
  list(): readonly WalletChannel[];
  /** Tells once more what became of offers. */
  tellAgain(offers: KnownToClient['offers']): void;
}

export function walletChannels(
  node: LdkNode,
  o: { gates(): Gates | undefined; tell(news: (to: Gates) => Promise<void>): void },
): WalletChannels {
  /** Height at which a channel was ready, by the name of its offer: kept in the same commit as the channel. */
  const readyAt = new Map(
    [...node.records.loaded(READY)].map(([offerId, bytes]) => [offerId, Number(decodeUtf8(bytes))]),
  );
  const accepted = new Set<string>();
  const nameOf = (userId: bigint): string => toU128(userId).toString(16);
  const height = () => node.manager.current_best_block().get_height();
  const channelOf = (offerId: string) =>
    node.manager.list_channels().find((each) => nameOf(each.get_user_channel_id()) === offerId);

  async function answerTo(offer: ChannelOffer): Promise<ChannelAnswer> {
    const refusal = { accept: false, code: 'not_bought', message: REFUSED_WITHOUT_GATES } as const;
    try {
      return (await o.gates()?.channelOffered(offer)) ?? refusal;
    } catch (cause) {
      node.log({ level: 'warn', event: 'ldk.gate_failed', fields: { cause: String(cause) } });
      return refusal;
    }
  }

  function tellReady(offerId: string, channel: ldk.ChannelDetails): void {
    const takesFees = takesFeesOver(channel);
    const channelId = toChannelId(channel.get_channel_id());
    const ready = { offerId, channelId, funding: fundingOf(node, channel), takesFees };
    o.tell((to) => to.channelReady(ready));
  }

  function gone(offerId: string): void {
    accepted.delete(offerId);
    o.tell((to) => to.channelGone(offerId));
  }

  /**
   * A channel that can take no fee and holds nothing of ours serves nobody, and harms: LDK's LSPs forward over any channel, and
   * would send the payment of the next purchase over it. LDK closes together with a peer only while it is there; and parts that
   * are just on their way are settled first.
   */
  function closeEmpty(offerId: string): void {
    /** Whether there is nothing more to do. */
    const attempt = (): boolean => {
      const channel = channelOf(offerId);
      if (!channel) return true;
      if (!channel.get_is_usable() || !isAllTheirs(channel)) return false;
      const peer = channel.get_counterparty().get_node_id();
      node.log({ level: 'warn', event: 'ldk.closes_channel_without_fees', fields: { peer: toNodeId(peer) } });
      node.manager.close_channel(channel.get_channel_id(), peer);
      return true;
    };
    if (attempt()) return;
    const stop = node.onRound(() => attempt() && stop());
  }

  return {
    async offered(event) {
      // The peer picks the temporary channel id, and may pick one twice; the name of the offer is ours.
      const userId = newUserId();
      const offer = toOffer(node, event, userId);
      const answer = await answerTo(offer);
      const { temporary_channel_id: id, counterparty_node_id: peer } = event;
      if (answer.accept) {
        accepted.add(offer.offerId);
        const { manager } = node;
        const done =
          answer.minimumDepth === 0
            ? manager.accept_inbound_channel_from_trusted_peer_0conf(id, peer, userId)
            : manager.accept_inbound_channel(id, peer, userId);
        if (!done.is_ok()) gone(offer.offerId);
      } else {
        node.manager.force_close_without_broadcasting_txn(id, peer, answer.message);
      }
      node.wake();
    },
    ready(event) {
      const offerId = nameOf(event.user_channel_id);
      const channel = channelOf(offerId);
      if (!channel) return;
      readyAt.set(offerId, height());
      node.records.put(READY + offerId, encodeUtf8(String(height())));
      tellReady(offerId, channel);
      // It was read back between its opening and its being ready.
      if (!takesFeesOver(channel)) closeEmpty(offerId);
    },
    closed(event) {
      const offerId = nameOf(event.user_channel_id);
      const since = readyAt.get(offerId);
      if (since === undefined) {
        if (accepted.has(offerId)) gone(offerId);
        return;
      }
      readyAt.delete(offerId);
      node.records.put(READY + offerId, undefined);
      const byPeer =
        event.reason instanceof ldk.ClosureReason_CounterpartyForceClosed ||
        event.reason instanceof ldk.ClosureReason_CounterpartyInitiatedCooperativeClosure ||
        event.reason instanceof ldk.ClosureReason_CommitmentTxConfirmed;
      const ageBlocks = height() - since;
      o.tell((to) => to.channelClosed({ offerId, byPeer, ageBlocks }));
    },
    list: () => node.manager.list_channels().map(toWalletChannel),
    tellAgain(offers) {
      const channels = new Map(node.manager.list_channels().map((each) => [nameOf(each.get_user_channel_id()), each]));
      for (const { offerId, paid } of offers) {
        const channel = channels.get(offerId);
        if (!channel) {
          // It closed while nobody listened; how is not known any more, so nobody is blamed.
          if (readyAt.has(offerId)) o.tell((to) => to.channelClosed({ offerId, byPeer: false, ageBlocks: 0 }));
          else gone(offerId);
        } else if (channel.get_is_channel_ready()) {
          tellReady(offerId, channel);
          if (!paid && !takesFeesOver(channel)) closeEmpty(offerId);
        } else accepted.add(offerId);
      }
    },
  };
}

function toOffer(node: LdkNode, event: ldk.Event_OpenChannelRequest, userId: bigint): ChannelOffer {
  const { channel_negotiation_type: funds } = event;
  const push = funds instanceof ldk.InboundChannelFunds_PushMsat ? funds.push_msat : 0n;
  return {
    peer: toNodeId(event.counterparty_node_id),
    offerId: userId.toString(16),
    capacity: wholeSat(toU64(event.funding_satoshis)),
    push: toMsat(push),
    announced: Boolean(event.is_announced),
    scidAlias: Boolean(event.channel_type.supports_scid_privacy()) || offersAlias(node, event.counterparty_node_id),
    toSelfDelayBlocks: event.params.get_to_self_delay(),
  };
}

/** Where the channel type leaves option_scid_alias out, as ldk-node's does, it is negotiated by `init`: we always offer it. */
const offersAlias = (node: LdkNode, peer: Uint8Array): boolean =>
  node.peers
    .list_peers()
    .some(
      (each) =>
        toNodeId(each.get_counterparty_node_id()) === toNodeId(peer) &&
        each.get_init_features().supports_scid_privacy(),
    );

/** LDK 0.1 reads channels back with this off, and cannot turn it on again (manager.ts). */
const takesFeesOver = (channel: ldk.ChannelDetails): boolean =>
  Boolean(channel.get_config().get_accept_underpaying_htlcs());

/** Whether nothing in it is ours, or on its way to us; what is below our reserve counts too. */
function isAllTheirs(channel: ldk.ChannelDetails): boolean {
  const reserve = channel.get_counterparty().get_unspendable_punishment_reserve();
  const theirs = toU64(channel.get_inbound_capacity_msat()) + toU64(reserve) * 1000n;
  return theirs === toU64(channel.get_channel_value_satoshis()) * 1000n;
}

function fundingOf(node: LdkNode, channel: ldk.ChannelDetails): Funding | undefined {
  const outpoint = channel.get_funding_txo();
  const script = node.fundingScripts.get(toHex(outpoint.write()));
  if (script === undefined) return undefined;
  const value: Sat = wholeSat(toU64(channel.get_channel_value_satoshis()));
  return { txid: txid(toHex(outpoint.get_txid().slice().reverse())), vout: outpoint.get_index(), script, value };
}

function toWalletChannel(channel: ldk.ChannelDetails): WalletChannel {
  const counterparty = channel.get_counterparty();
  const receivable = toMsat(channel.get_inbound_capacity_msat());
  const largest = someOf<bigint>(channel.get_inbound_htlc_maximum_msat());
  const alias = someOf<bigint>(channel.get_inbound_scid_alias());
  // The bindings type it as always there; a peer may not have told yet.
  const forwarding = counterparty.get_forwarding_info() as ldk.CounterpartyForwardingInfo | null | undefined;
  return {
    channelId: toChannelId(channel.get_channel_id()),
    peer: toNodeId(counterparty.get_node_id()),
    usable: Boolean(channel.get_is_usable()),
    receivable,
    largestPart: largest === undefined ? receivable : toMsat(largest),
    hint:
      alias === undefined || !forwarding
        ? undefined
        : {
            scid: scid(toU64(alias)),
            feeBaseMsat: forwarding.get_fee_base_msat(),
            feeProportionalPpm: forwarding.get_fee_proportional_millionths(),
            cltvExpiryDelta: forwarding.get_cltv_expiry_delta(),
          },
  };
}
