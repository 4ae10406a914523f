import * as ldk from 'lightningdevkit';
import { fromHex, toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import type { FailureReason } from '../../core/failureCode.ts';
import { listeners } from '../../core/listeners.ts';
import type { ChannelId, NodeId } from '../../core/ids.ts';
import { scid } from '../../core/scid.ts';
import { untilTaken } from '../../core/untilTaken.ts';
import type { Htlcs, InterceptedPart, KnownPart, PartResolved } from '../../ports/lspNode.ts';
import { toChannelId, toMsat, toNodeId, toPaymentHash, toU64, unwrap } from './fromLdk.ts';
import { findIncoming, type IncomingHtlc, incomingHtlcs } from './incoming.ts';
import type { LdkNode } from './node.ts';
import { type Tracked, trackedParts } from './tracked.ts';

/** More than any channel holds: LDK accepts the order, and fails the HTLC with temporary_channel_failure. */
const IMPOSSIBLE_AMOUNT_MSAT = 2_100_000_000_000_000_000n;

export interface LdkHtlcs extends Htlcs {
  /** Parts that are held. */
  held(): readonly string[];
  /** Tells of them again, of outcomes that nobody took, and of known parts that are not there. */
  tellAgain(known: readonly KnownPart[]): void;
}

/**
 * Intercepted HTLCs on an LDK node. LDK's events do not say which part of which payment was settled or failed; its list of
 * incoming HTLCs does, and is looked at in each round, before LDK can have forgotten one.
 */
export function ldkHtlcs(node: LdkNode): LdkHtlcs {
  const parts = trackedParts(node);
  const partListeners = listeners<[InterceptedPart]>();
  const outcomes = untilTaken<PartResolved>(({ id }) => {
    // What we failed is followed until LDK has done it: or a part that looks alike would be taken for it.
    if (parts.get(id)?.outcome === undefined) return;
    parts.remove(id);
    node.wake();
  });

  node.onEvent((event) => {
    if (!(event instanceof ldk.Event_HTLCIntercepted)) return;
    // LDK tells it again when it crashed before this was saved.
    if (parts.get(toHex(event.intercept_id))) return;
    const tracked = toTracked(node, event, new Set(parts.all().map(({ incoming }) => incoming.key)));
    if (!tracked) {
      // Gone before we saw it; LDK has answered it already, or does now.
      node.manager.fail_intercepted_htlc(event.intercept_id);
      return;
    }
    parts.save(tracked);
    partListeners.tell(tracked.part);
  });

  node.onRound(() => {
    const open = () => parts.all().filter(({ outcome }) => outcome === undefined);
    if (open().length === 0) return;
    const listed = new Map(incomingHtlcs(node).map((htlc) => [htlc.key, htlc]));
    for (const guess of open()) {
      const now = listed.get(guess.incoming.key);
      if (now && now.outcome === undefined) continue;
      const tracked = rightOne(guess, now?.outcome, open());
      // Not listed any more: the channel it came over is gone. A forwarded part is then settled or failed on the chain,
      // which this adapter does not follow; it stays open rather than be called failed.
      if (!now && tracked.answer === 'forwarded') continue;
      end(tracked, now?.outcome);
    }
  });

  /** Of parts that look alike, the one that can have ended like this; it and the one that was guessed change places. */
  function rightOne(guess: Tracked, seen: IncomingHtlc['outcome'], open: readonly Tracked[]): Tracked {
    const wanted: Tracked['answer'] = seen === 'settled' ? 'forwarded' : 'failed';
    if (guess.answer === wanted) return guess;
    const isAlike = ({ part }: Tracked) =>
      part.paymentHash === guess.part.paymentHash && part.incomingAmount === guess.part.incomingAmount;
    const found = open.find((each) => each.answer === wanted && isAlike(each));
    if (!found) return guess;
    [found.incoming, guess.incoming] = [guess.incoming, found.incoming];
    parts.save(guess);
    return found;
  }

  function end(tracked: Tracked, seen: IncomingHtlc['outcome']): void {
    const { part, answer } = tracked;
    if (answer === 'failed') {
      parts.remove(part.id);
      return;
    }
    tracked.outcome = answer === 'none' || seen === undefined ? 'gone' : seen;
    parts.save(tracked);
    tell(tracked, tracked.outcome);
  }

  const tell = (
    { part: { id, scid: at, paymentHash } }: { readonly part: KnownPart },
    outcome: PartResolved['outcome'],
  ) => outcomes.tell({ id, scid: at, paymentHash, outcome });

  return {
    newScid: () => scid(toU64(node.manager.get_intercept_scid())),
    onPart: partListeners.add,
    onPartResolved: outcomes.add,
    held: () => parts.all().flatMap(({ part, answer, outcome }) => (answer === 'none' && !outcome ? [part.id] : [])),
    tellAgain(known) {
      for (const tracked of parts.all()) {
        if (tracked.outcome) tell(tracked, tracked.outcome);
        else if (tracked.answer === 'none') partListeners.tell(tracked.part);
      }
      // What we had failed just before a crash may still count as on its way.
      const isGone = ({ id }: KnownPart) => (parts.get(id)?.answer ?? 'failed') === 'failed';
      for (const part of known) if (isGone(part)) tell({ part }, 'gone');
    },
    async forward({ id, channelId, peer, amount }) {
      const tracked = parts.get(id);
      if (tracked?.answer === 'forwarded') return;
      if (tracked?.answer !== 'none' || tracked.outcome) throw new NodeError('this part is not held any more');
      const over = usableChannel(node, channelId, peer);
      const { manager } = node;
      unwrap(manager.forward_intercepted_htlc(fromHex(id), over, fromHex(peer), amount), 'forward');
      tracked.answer = 'forwarded';
      parts.save(tracked);
      node.wake();
    },
    async fail(id, reason) {
      const tracked = parts.get(id);
      if (tracked?.answer === 'forwarded') throw new NodeError('this part was forwarded');
      if (tracked?.answer !== 'none' || tracked.outcome) return;
      unwrap(failWith(node, tracked, reason), 'fail');
      tracked.answer = 'failed';
      parts.save(tracked);
      node.wake();
    },
  };
}

/** The channel that was asked for, or another one with that peer; LDK itself takes whichever has room. */
function usableChannel(node: LdkNode, channelId: ChannelId, peer: NodeId): ldk.ChannelId {
  const usable = node.manager
    .list_usable_channels()
    .filter((channel) => toNodeId(channel.get_counterparty().get_node_id()) === peer)
    .map((channel) => channel.get_channel_id());
  const found = usable.find((id) => toChannelId(id) === channelId) ?? usable[0];
  if (!found) throw new NodeError('there is no usable channel with this peer');
  return found;
}

function failWith(node: LdkNode, { part, incoming }: Tracked, reason: FailureReason): ldk.Result_NoneAPIErrorZ {
  const interceptId = fromHex(part.id);
  // LDK knows but one code for a held HTLC, unknown_next_peer; a forward that cannot work yields the other.
  if (reason === 'temporary_channel_failure') {
    const { channelId, peer } = incoming;
    const failed = node.manager.forward_intercepted_htlc(interceptId, channelId, peer, IMPOSSIBLE_AMOUNT_MSAT);
    if (failed.is_ok()) return failed;
  }
  return node.manager.fail_intercepted_htlc(interceptId);
}

function toTracked(node: LdkNode, event: ldk.Event_HTLCIntercepted, taken: ReadonlySet<string>): Tracked | undefined {
  const paymentHash = toPaymentHash(event.payment_hash);
  const incomingAmount = toMsat(event.inbound_amount_msat);
  const incoming = findIncoming(node, { paymentHash, amount: incomingAmount, taken });
  if (!incoming) return undefined;
  const part: InterceptedPart = {
    id: toHex(event.intercept_id),
    scid: scid(toU64(event.requested_next_hop_scid)),
    paymentHash,
    incomingAmount,
    onionAmount: toMsat(event.expected_outbound_amount_msat),
    incomingExpiryHeight: incoming.expiryHeight,
  };
  return { part, incoming, answer: 'none' };
}
