import { randomBytes } from 'node:crypto';
import * as ldk from 'lightningdevkit';
import { wholeSat } from '../../core/amount.ts';
import { fromHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { listeners } from '../../core/listeners.ts';
import type { ChannelEvent, ChannelLimits, Channels } from '../../ports/lspNode.ts';
import { jitChannelConfig } from './config.ts';
import { fromTxid, newUserId, someOf, toChannelId, toMsat, toU128, toU64, unwrap } from './fromLdk.ts';
import { keepAlive } from './keepAlive.ts';
import type { LdkNode } from './node.ts';
import { type Opening, openings } from './opening.ts';

const GIVEN_UP = 'the payment for this channel was given up';
const UNPAID = 'nobody paid for this channel in time';

export interface LdkChannels extends Channels {
  /** Tells how far a channel has come, as after a restart. */
  tellStage(key: string): void;
}

export interface ChannelsOptions {
  /** Opens announced channels instead of the private ones that were sold: only ever useful to test a wallet's gate. */
  readonly announced?: boolean;
}

/** JIT channels of an LDK node. Funding is always withheld until `broadcast`. */
export function ldkChannels(node: LdkNode, { announced = false }: ChannelsOptions = {}): LdkChannels {
  const kept = openings(node);
  const { add, tell } = listeners<[ChannelEvent]>();
  keepAlive(node, kept);

  node.onEvent((event) => {
    if (!('user_channel_id' in event)) return;
    const opening = kept.ofUser(toU128(event.user_channel_id as bigint));
    // What we gave up ourselves is no news.
    if (!opening || opening.stage === 'abandoned') return;
    const { key } = opening;
    if (event instanceof ldk.Event_FundingGenerationReady) {
      opening.stage = 'accepted';
      opening.id = event.temporary_channel_id;
      opening.output = { script: event.output_script, value: toU64(event.channel_value_satoshis) };
      const limits = limitsOf(node, opening.userId);
      if (limits) tell({ key, tag: 'accepted', limits });
    } else if (event instanceof ldk.Event_FundingTxBroadcastSafe) {
      opening.id = event.channel_id;
      tellFunded(opening);
    } else if (event instanceof ldk.Event_ChannelReady) {
      tell({ key, tag: 'ready', channelId: toChannelId(event.channel_id) });
    } else if (event instanceof ldk.Event_ChannelClosed) {
      const closed = toClosed(opening, event);
      opening.stage = 'closed';
      kept.save(opening);
      tell(closed);
    }
  });

  function tellFunded(opening: Opening): void {
    opening.stage = 'funded';
    opening.safe = true;
    kept.save(opening);
    const { key, id, funding } = opening;
    if (funding) tell({ key, tag: 'funded', channelId: toChannelId(id), fundingTxid: funding.txid });
  }

  function take(key: string): Opening {
    const opening = kept.get(key);
    if (!opening) throw new NodeError('there is no such channel');
    return opening;
  }

  /** After a restart: a channel that LDK still lists has its `funding_signed`; LDK says nothing of those it dropped. */
  function tellStage(key: string): void {
    const opening = kept.get(key);
    const listed = opening && listedOf(node, opening.userId);
    if (opening?.stage === 'abandoned') return;
    if (!opening || !listed || opening.stage === 'closed') {
      if (opening && opening.stage !== 'closed') {
        opening.stage = 'closed';
        kept.save(opening);
      }
      tell({ key, tag: 'failed', words: 'it did not survive a restart' });
      return;
    }
    opening.id = listed.get_channel_id();
    tellFunded(opening);
    if (listed.get_is_channel_ready()) tell({ key, tag: 'ready', channelId: toChannelId(opening.id) });
  }

  return {
    tellStage,
    async open({ key, peer, capacity }) {
      if (kept.get(key)) return;
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
      kept.save({ key, userId, peer, id, stage: 'offered' });
      node.wake();
    },
    async fund(key) {
      const opening = take(key);
      if (opening.funding || !opening.output) return;
      const funding = await node.chain.fund(opening.output.script, wholeSat(opening.output.value));
      if (kept.get(key) !== opening || opening.stage === 'abandoned') {
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
      kept.save(opening);
      unwrap(manager.unsafe_manual_funding_transaction_generated(temporary, fromHex(opening.peer), outpoint), 'fund');
      node.wake();
    },
    async broadcast(key) {
      const opening = take(key);
      if (!opening.funding || !opening.safe) throw new NodeError('the channel is not funded yet');
      opening.broadcast = true;
      kept.save(opening);
      node.wake();
      // LDK must know the channel for ever before its coins can be in it.
      await node.records.saved();
      return node.chain.broadcast(opening.funding.raw);
    },
    async abandon(key) {
      const opening = kept.get(key);
      if (!opening) return;
      const { stage, funding, broadcast } = opening;
      opening.stage = 'abandoned';
      kept.save(opening);
      if (stage !== 'closed' && stage !== 'abandoned') {
        node.manager.force_close_without_broadcasting_txn(opening.id, fromHex(opening.peer), GIVEN_UP);
      }
      node.wake();
      // First on disk, then the coins: and remembered until they are free, so that a failed release is tried again.
      await node.records.saved();
      if (funding && !broadcast) await node.chain.release(funding);
      kept.remove(opening);
      node.wake();
      await node.records.saved();
    },
    async close(key) {
      const opening = take(key);
      if (opening.stage === 'closed') return;
      const { id, peer } = opening;
      const { manager } = node;
      const isHere = node.connectedPeers.has(peer) && manager.close_channel(id, fromHex(peer)).is_ok();
      if (!isHere) unwrap(manager.force_close_broadcasting_latest_txn(id, fromHex(peer), UNPAID), 'close');
      node.wake();
    },
    forget(key) {
      const opening = kept.get(key);
      if (!opening) return;
      opening.forgotten = true;
      if (opening.broadcast && !opening.deep) kept.save(opening);
      else kept.remove(opening);
      node.wake();
    },
    onChannel: add,
  };
}

const listedOf = (node: LdkNode, userId: bigint): ldk.ChannelDetails | undefined =>
  node.manager.list_channels().find((each) => toU128(each.get_user_channel_id()) === userId);

function limitsOf(node: LdkNode, userId: bigint): ChannelLimits | undefined {
  const channel = listedOf(node, userId);
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
