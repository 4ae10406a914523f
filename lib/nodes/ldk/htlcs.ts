import * as ldk from 'lightningdevkit';
import { fromHex, toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import type { FailureReason } from '../../core/failureCode.ts';
import { listeners } from '../../core/listeners.ts';
import { scid } from '../../core/scid.ts';
import type { Htlcs, InterceptedPart, PartResolved } from '../../ports/lspNode.ts';
import { toMsat, toPaymentHash, toU64, unwrap } from './fromLdk.ts';
import { findIncoming, type IncomingHtlc, incomingHtlcs } from './incoming.ts';
import type { LdkNode } from './node.ts';

/** A part between its arrival and its end. */
interface Tracked {
  readonly part: InterceptedPart;
  readonly interceptId: Uint8Array;
  readonly incoming: IncomingHtlc;
  /** Whether we have answered: a held part that LDK takes back by itself is `gone`. */
  answer: 'none' | 'forwarded' | 'failed';
}

/** More than any channel holds: LDK accepts the order, and fails the HTLC with temporary_channel_failure. */
const IMPOSSIBLE_AMOUNT_MSAT = 2_100_000_000_000_000_000n;

/**
 * Intercepted HTLCs on an LDK node. LDK's events do not say which part of which payment was settled or failed; its list of
 * incoming HTLCs does, and is looked at in each round, before LDK can have forgotten one.
 */
export function ldkHtlcs(node: LdkNode): Htlcs {
  const parts = new Map<string, Tracked>();
  const partListeners = listeners<[InterceptedPart]>();
  const resolvedListeners = listeners<[PartResolved]>();

  node.onEvent((event) => {
    if (!(event instanceof ldk.Event_HTLCIntercepted)) return;
    const tracked = toTracked(node, event, new Set([...parts.values()].map(({ incoming }) => incoming.key)));
    if (!tracked) {
      // Gone before we saw it; LDK has answered it already, or does now.
      node.manager.fail_intercepted_htlc(event.intercept_id);
      return;
    }
    parts.set(tracked.part.id, tracked);
    partListeners.tell(tracked.part);
  });

  node.onRound(() => {
    if (parts.size === 0) return;
    const listed = new Map(incomingHtlcs(node).map((htlc) => [htlc.key, htlc]));
    for (const tracked of parts.values()) {
      const now = listed.get(tracked.incoming.key);
      if (now && now.outcome === undefined) continue;
      // Not listed any more: the channel it came over is gone. A forwarded part is then settled or failed on the chain,
      // which this adapter does not follow yet; it stays open rather than be called failed.
      if (!now && tracked.answer === 'forwarded') continue;
      end(tracked, now?.outcome);
    }
  });

  function end({ part, answer }: Tracked, seen: IncomingHtlc['outcome']): void {
    parts.delete(part.id);
    if (answer === 'failed') return;
    const { id, scid: at, paymentHash } = part;
    const outcome = answer === 'none' || seen === undefined ? 'gone' : seen;
    resolvedListeners.tell({ id, scid: at, paymentHash, outcome });
  }

  return {
    newScid: () => scid(toU64(node.manager.get_intercept_scid())),
    onPart: partListeners.add,
    onPartResolved: resolvedListeners.add,
    async forward({ id, channelId, peer, amount }) {
      const tracked = parts.get(id);
      if (tracked?.answer === 'forwarded') return;
      if (tracked?.answer !== 'none') throw new NodeError('this part is not held any more');
      const to = ldk.ChannelId.constructor_new(fromHex(channelId));
      const { manager } = node;
      unwrap(manager.forward_intercepted_htlc(tracked.interceptId, to, fromHex(peer), amount), 'forward');
      tracked.answer = 'forwarded';
      node.wake();
    },
    async fail(id, reason) {
      const tracked = parts.get(id);
      if (tracked?.answer !== 'none') return;
      unwrap(failWith(node, tracked, reason), 'fail');
      tracked.answer = 'failed';
      node.wake();
    },
  };
}

function failWith(node: LdkNode, { interceptId, incoming }: Tracked, reason: FailureReason): ldk.Result_NoneAPIErrorZ {
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
  return { part, interceptId: event.intercept_id, incoming, answer: 'none' };
}
