import * as ldk from 'lightningdevkit';
import type { Msat } from '../../core/amount.ts';
import { fromHex, toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import type { FailureReason } from '../../core/failureCode.ts';
import type { PaymentHash } from '../../core/ids.ts';
import { scid } from '../../core/scid.ts';
import type { Stop } from '../../ports/abort.ts';
import type { Htlcs, InterceptedPart } from '../../ports/lspNode.ts';
import { toMsat, toPaymentHash, toU64, unwrap } from './fromLdk.ts';
import type { LdkNode } from './node.ts';
import { type Resolved, watchOutcomes } from './outcomes.ts';

/** What is needed to answer a held part. */
interface Held extends InterceptedPart {
  readonly interceptId: Uint8Array;
  /** Where it came from: the channel by which LDK is made to fail it with a code of our choice. */
  readonly from: { readonly channelId: ldk.ChannelId; readonly peer: Uint8Array } | undefined;
}

/** More than any channel holds: LDK accepts the order, and fails the HTLC with temporary_channel_failure. */
const IMPOSSIBLE_AMOUNT_MSAT = 2_100_000_000_000_000_000n;

/** Intercepted HTLCs on an LDK node. */
export function ldkHtlcs(node: LdkNode): Htlcs {
  const held = new Map<string, Held>();
  const partListeners = new Set<(part: InterceptedPart) => void>();
  const resolvedListeners = new Set<(resolved: Resolved) => void>();
  const outcomes = watchOutcomes(node, (resolved) => {
    for (const tell of resolvedListeners) tell(resolved);
  });

  node.onEvent((event) => {
    if (!(event instanceof ldk.Event_HTLCIntercepted)) return;
    const part = toHeld(node, event);
    held.set(part.id, part);
    for (const tell of partListeners) tell(part);
  });

  function take(id: string): Held {
    const part = held.get(id);
    if (!part) throw new NodeError('this part is not held any more');
    return part;
  }

  return {
    newScid: () => scid(toU64(node.manager.get_intercept_scid())),
    onPart: (f) => subscribe(partListeners, f),
    onPartResolved: (f) => subscribe(resolvedListeners, f),
    async forward({ id, channelId, peer, amount }) {
      if (outcomes.isTracked(id)) return;
      const part = take(id);
      outcomes.track({ id, paymentHash: part.paymentHash, amount, peer });
      try {
        unwrap(
          node.manager.forward_intercepted_htlc(
            part.interceptId,
            ldk.ChannelId.constructor_new(fromHex(channelId)),
            fromHex(peer),
            amount,
          ),
          'forward_intercepted_htlc',
        );
      } catch (cause) {
        outcomes.forget(id);
        throw cause;
      }
      held.delete(id);
      node.wake();
    },
    async fail(id, reason) {
      const part = held.get(id);
      if (!part) return;
      unwrap(failWith(node, part, reason), 'fail');
      held.delete(id);
      node.wake();
    },
  };
}

function failWith(node: LdkNode, part: Held, reason: FailureReason): ldk.Result_NoneAPIErrorZ {
  // LDK knows but one code for a held HTLC, unknown_next_peer; a forward that cannot work yields the other.
  if (reason === 'temporary_channel_failure' && part.from) {
    const { channelId, peer } = part.from;
    const failed = node.manager.forward_intercepted_htlc(part.interceptId, channelId, peer, IMPOSSIBLE_AMOUNT_MSAT);
    if (failed.is_ok()) return failed;
  }
  return node.manager.fail_intercepted_htlc(part.interceptId);
}

/** LDK's event names neither the incoming channel nor the expiry: both are looked up by hash and amount. */
function toHeld(node: LdkNode, event: ldk.Event_HTLCIntercepted): Held {
  const paymentHash = toPaymentHash(event.payment_hash);
  const incomingAmount = toMsat(event.inbound_amount_msat);
  const matches = incomingHtlcs(node, paymentHash, incomingAmount);
  const [first] = matches;
  return {
    id: toHex(event.intercept_id),
    interceptId: event.intercept_id,
    scid: scid(toU64(event.requested_next_hop_scid)),
    paymentHash,
    incomingAmount,
    onionAmount: toMsat(event.expected_outbound_amount_msat),
    // Equal parts cannot be told apart: the earliest expiry of them is safe for each.
    incomingExpiryHeight: matches.reduce((least, each) => Math.min(least, each.expiry), first?.expiry ?? 0),
    from: first?.from,
  };
}

function incomingHtlcs(node: LdkNode, hash: PaymentHash, amount: Msat) {
  return node.manager.list_channels().flatMap((channel) =>
    channel
      .get_pending_inbound_htlcs()
      .filter((htlc) => toPaymentHash(htlc.get_payment_hash()) === hash && htlc.get_amount_msat() === amount)
      .map((htlc) => ({
        expiry: htlc.get_cltv_expiry(),
        from: { channelId: channel.get_channel_id(), peer: channel.get_counterparty().get_node_id() },
      })),
  );
}

function subscribe<F>(listeners: Set<F>, f: F): Stop {
  listeners.add(f);
  return () => void listeners.delete(f);
}
