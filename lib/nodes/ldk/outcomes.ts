import * as ldk from 'lightningdevkit';
import type { Msat } from '../../core/amount.ts';
import type { NodeId, PaymentHash } from '../../core/ids.ts';
import { someOf, toChannelId, toNodeId, toPaymentHash } from './fromLdk.ts';
import type { LdkNode } from './node.ts';

// LDK's events do not say which part of which payment was settled or failed. Its list of outbound HTLCs does: it is
// compared at each round, before LDK forgets an HTLC.

export interface Resolved {
  readonly id: string;
  readonly outcome: 'settled' | 'failed';
}

/** A part that was forwarded. LDK picks the channel to the peer itself, so only the peer is known for sure. */
interface Tracked {
  readonly id: string;
  readonly paymentHash: PaymentHash;
  readonly amount: Msat;
  readonly peer: NodeId;
  /** Which HTLC it became: channel and number, once seen. */
  htlc?: string;
}

interface Seen {
  readonly key: string;
  readonly paymentHash: PaymentHash;
  readonly amount: bigint;
  readonly peer: NodeId;
  readonly state: ldk.OutboundHTLCStateDetails | undefined;
}

export interface Outcomes {
  track(part: Omit<Tracked, 'htlc'>): void;
  isTracked(id: string): boolean;
  forget(id: string): void;
}

export function watchOutcomes(node: LdkNode, resolved: (resolved: Resolved) => void): Outcomes {
  const parts = new Map<string, Tracked>();

  function end(id: string, outcome: Resolved['outcome']): void {
    parts.delete(id);
    resolved({ id, outcome });
  }

  node.onRound(() => {
    if (parts.size === 0) return;
    const seen = outboundHtlcs(node);
    assign(parts, seen);
    for (const part of parts.values()) {
      const outcome = OUTCOME.get(seen.find(({ key }) => key === part.htlc)?.state);
      if (outcome) end(part.id, outcome);
    }
  });

  // What slipped through between two rounds: HTLCs that are gone from the list before their outcome was seen there.
  node.onEvent((event) => {
    const missed = missedOutcome(event);
    if (!missed || parts.size === 0) return;
    const listed = new Set(outboundHtlcs(node).map(({ key }) => key));
    const gone = [...parts.values()].find(
      (part) => part.htlc !== undefined && !listed.has(part.htlc) && part.htlc.startsWith(missed.channelId),
    );
    if (gone) end(gone.id, missed.outcome);
  });

  return {
    track: (part) => void parts.set(part.id, { ...part }),
    isTracked: (id) => parts.has(id),
    forget: (id) => void parts.delete(id),
  };
}

const OUTCOME = new Map<ldk.OutboundHTLCStateDetails | undefined, Resolved['outcome']>([
  [ldk.OutboundHTLCStateDetails.LDKOutboundHTLCStateDetails_AwaitingRemoteRevokeToRemoveSuccess, 'settled'],
  [ldk.OutboundHTLCStateDetails.LDKOutboundHTLCStateDetails_AwaitingRemoteRevokeToRemoveFailure, 'failed'],
]);

/** Gives each part that has none yet an HTLC of its hash, amount and peer. Equal parts are interchangeable. */
function assign(parts: ReadonlyMap<string, Tracked>, seen: readonly Seen[]): void {
  const taken = new Set([...parts.values()].map(({ htlc }) => htlc));
  for (const part of parts.values()) {
    if (part.htlc !== undefined) continue;
    const free = seen.find(
      (each) =>
        !taken.has(each.key) &&
        each.paymentHash === part.paymentHash &&
        each.amount === part.amount &&
        each.peer === part.peer,
    );
    if (!free) continue;
    part.htlc = free.key;
    taken.add(free.key);
  }
}

function outboundHtlcs(node: LdkNode): readonly Seen[] {
  return node.manager.list_channels().flatMap((channel) => {
    const channelId = toChannelId(channel.get_channel_id());
    const peer = toNodeId(channel.get_counterparty().get_node_id());
    return channel.get_pending_outbound_htlcs().flatMap((htlc) => {
      // Without a number it still waits inside LDK for its turn.
      const number = someOf<bigint>(htlc.get_htlc_id());
      if (number === undefined) return [];
      return {
        key: `${channelId}/${number}`,
        paymentHash: toPaymentHash(htlc.get_payment_hash()),
        amount: htlc.get_amount_msat(),
        peer,
        state: someOf<ldk.OutboundHTLCStateDetails>(htlc.get_state()),
      };
    });
  });
}

function missedOutcome(event: ldk.Event): { channelId: string; outcome: Resolved['outcome'] } | undefined {
  if (event instanceof ldk.Event_PaymentForwarded) {
    return { channelId: toChannelId(event.next_channel_id), outcome: 'settled' };
  }
  if (!(event instanceof ldk.Event_HTLCHandlingFailed)) return undefined;
  const { failed_next_destination: destination } = event;
  if (!(destination instanceof ldk.HTLCDestination_NextHopChannel)) return undefined;
  return { channelId: toChannelId(destination.channel_id), outcome: 'failed' };
}
