import { randomBytes } from 'node:crypto';
import * as ldk from 'lightningdevkit';
import { wholeSat } from '../../core/amount.ts';
import { fromHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import type { NodeId } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import type { ChannelEvent, ChannelLimits, Channels } from '../../ports/lspNode.ts';
import type { SignedFunding } from './chain.ts';
import { jitChannelConfig } from './config.ts';
import { fromTxid, newUserId, someOf, toChannelId, toMsat, toU128, toU64, unwrap } from './fromLdk.ts';
import type { LdkNode } from './node.ts';

/** A channel that is being opened, or was. */
interface Opening {
  readonly key: string;
  readonly userId: bigint;
  readonly peer: NodeId;
  /** LDK's id of the channel: temporary first, then the real one. */
  id: ldk.ChannelId;
  stage: 'offered' | 'accepted' | 'funding' | 'funded' | 'closed';
  /** From the first attempt to broadcast on, its coins are spent. */
  broadcast?: boolean;
  /** LDK has the signature of the client: the funding transaction may go out. */
  safe?: boolean;
  output?: { readonly script: Uint8Array; readonly value: bigint };
  funding?: SignedFunding;
}

const GIVEN_UP = 'the payment for this channel was given up';

export interface ChannelsOptions {
  /** Opens announced channels instead of the private ones that were sold: only ever useful to test a wallet's gate. */
  readonly announced?: boolean;
}

/** JIT channels of an LDK node. Funding is always withheld until `broadcast`. */
export function ldkChannels(node: LdkNode, { announced = false }: ChannelsOptions = {}): Channels {
  const byKey = new Map<string, Opening>();
  const byUser = new Map<bigint, Opening>();
  const { add, tell } = listeners<[ChannelEvent]>();

  function forget(opening: Opening): void {
    byKey.delete(opening.key);
    byUser.delete(opening.userId);
  }

  node.onEvent((event) => {
    if (!('user_channel_id' in event)) return;
    const opening = byUser.get(toU128(event.user_channel_id as bigint));
    if (!opening) return;
    const { key } = opening;
    if (event instanceof ldk.Event_FundingGenerationReady) {
      opening.stage = 'accepted';
      opening.id = event.temporary_channel_id;
      opening.output = { script: event.output_script, value: toU64(event.channel_value_satoshis) };
      const limits = limitsOf(node, opening.userId);
      if (limits) tell({ key, tag: 'accepted', limits });
    } else if (event instanceof ldk.Event_FundingTxBroadcastSafe) {
      opening.stage = 'funded';
      opening.safe = true;
      opening.id = event.channel_id;
      if (opening.funding) {
        tell({ key, tag: 'funded', channelId: toChannelId(event.channel_id), fundingTxid: opening.funding.txid });
      }
    } else if (event instanceof ldk.Event_ChannelReady) {
      tell({ key, tag: 'ready', channelId: toChannelId(event.channel_id) });
    } else if (event instanceof ldk.Event_ChannelClosed) {
      const closed = toClosed(opening, event);
      opening.stage = 'closed';
      tell(closed);
    }
  });

  function take(key: string): Opening {
    const opening = byKey.get(key);
    if (!opening) throw new NodeError('there is no such channel');
    return opening;
  }

  return {
    async open({ key, peer, capacity }) {
      if (byKey.has(key)) return;
      const userId = newUserId();
      const id = unwrap<ldk.ChannelId>(
        node.manager.create_channel(
          fromHex(peer),
          capacity,
          0n,
          userId,
          ldk.ChannelId.constructor_new(new Uint8Array(randomBytes(32))),
          jitChannelConfig(node.config, announced),
        ),
        'create_channel',
      );
      const opening: Opening = { key, userId, peer, id, stage: 'offered' };
      byKey.set(key, opening);
      byUser.set(userId, opening);
      node.wake();
    },
    async fund(key) {
      const opening = take(key);
      if (opening.funding || !opening.output) return;
      const funding = await node.chain.fund(opening.output.script, wholeSat(opening.output.value));
      if (byKey.get(key) !== opening) {
        await node.chain.release(funding);
        throw new NodeError('the channel was closed while its funding transaction was made');
      }
      opening.funding = funding;
      opening.stage = 'funding';
      const outpoint = ldk.OutPoint.constructor_new(fromTxid(funding.txid), funding.vout);
      const { manager } = node;
      const temporary = opening.id;
      // From this call on LDK knows the channel by its real id.
      opening.id = ldk.ChannelId.constructor_v1_from_funding_outpoint(outpoint);
      unwrap(manager.unsafe_manual_funding_transaction_generated(temporary, fromHex(opening.peer), outpoint), 'fund');
      node.wake();
    },
    async broadcast(key) {
      const opening = take(key);
      if (!opening.funding || !opening.safe) throw new NodeError('the channel is not funded yet');
      opening.broadcast = true;
      return node.chain.broadcast(opening.funding.raw);
    },
    async abandon(key) {
      const opening = byKey.get(key);
      if (!opening) return;
      // First out of the maps: the ChannelClosed that follows is our own doing, not news.
      forget(opening);
      if (opening.stage !== 'closed') {
        node.manager.force_close_without_broadcasting_txn(opening.id, fromHex(opening.peer), GIVEN_UP);
        node.wake();
      }
      if (opening.funding && !opening.broadcast) await node.chain.release(opening.funding);
    },
    onChannel: add,
  };
}

function limitsOf(node: LdkNode, userId: bigint): ChannelLimits | undefined {
  const channel = node.manager.list_channels().find((each) => toU128(each.get_user_channel_id()) === userId);
  if (!channel) return undefined;
  const counterparty = channel.get_counterparty();
  const inFlight = someOf<bigint>(counterparty.get_outbound_htlc_maximum_msat());
  const sendable = toU64(channel.get_next_outbound_htlc_limit_msat());
  return {
    sendable: toMsat(inFlight === undefined || sendable < inFlight ? sendable : inFlight),
    htlcMinimum: toMsat(someOf<bigint>(counterparty.get_outbound_htlc_minimum_msat()) ?? 1n),
    toSelfDelayBlocks: someOf<number>(channel.get_force_close_spend_delay()) ?? 0,
    minimumDepth: someOf<number>(channel.get_confirmations_required()) ?? 0,
  };
}

/** Only an `error` of the client before it signed is a refusal; everything after that is a channel that broke. */
function toClosed({ key, stage }: Opening, { reason }: ldk.Event_ChannelClosed): ChannelEvent {
  if (reason instanceof ldk.ClosureReason_CounterpartyForceClosed && (stage === 'offered' || stage === 'accepted')) {
    return { key, tag: 'refused', words: reason.peer_msg.get_a() };
  }
  return { key, tag: 'failed', words: reason.constructor.name };
}
