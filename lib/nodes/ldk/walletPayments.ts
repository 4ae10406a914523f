import * as ldk from 'lightningdevkit';
import { type Msat, msat } from '../../core/amount.ts';
import { fromHex, toHex } from '../../core/bytes.ts';
import type { ChannelId, NodeId, PaymentHash } from '../../core/ids.ts';
import { readRecord, saveRecord } from '../../core/record.ts';
import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import type { Gates, PartsAnswer, PartSet } from '../../ports/gates.ts';
import { someOf, toChannelId, toMsat, toNodeId, toPaymentHash } from './fromLdk.ts';
import { incomingHtlcs } from './incoming.ts';
import type { LdkNode } from './node.ts';

/** A payment between its arrival and its end. LDK tells of each step once; what it told is kept in the commit that took it. */
interface Arrived {
  readonly set: PartSet;
  /** The node's own, where it has it. */
  readonly preimage: string | undefined;
  /** The money is ours; the gates have not heard of it yet. */
  readonly claimed?: boolean;
}

const isArrived = (record: unknown): record is Arrived =>
  typeof record === 'object' && record !== null && 'set' in record;
const ARRIVED = 'arrived/';

/** A wallet's payments: asks the gates, claims or fails, and tells what was claimed. */
export interface WalletPayments {
  claimable(event: ldk.Event_PaymentClaimable): void;
  claimed(event: ldk.Event_PaymentClaimed): void;
  failed(event: ldk.Event_HTLCHandlingFailed): void;
  /** What a payment is expected to bring in all. */
  expect(hash: PaymentHash, amount: Msat): void;
  /** Tells of HTLCs that are here while others of their payment are not. */
  look(): void;
  /** Asks once more about what was neither claimed nor failed. */
  askAgain(): void;
}

export function walletPayments(
  node: LdkNode,
  o: { gates(): Gates | undefined; tell(news: (to: Gates) => Promise<void>): void },
): WalletPayments {
  const arrived = new Map<PaymentHash, Arrived>();
  for (const bytes of node.records.loaded(ARRIVED).values()) {
    const each = readRecord(decodeUtf8(bytes), isArrived);
    arrived.set(each.set.paymentHash, each);
  }
  const expected = new Map<PaymentHash, Msat>();
  const held = new Map<PaymentHash, bigint>();

  function keep(each: Arrived): void {
    arrived.set(each.set.paymentHash, each);
    node.records.put(ARRIVED + each.set.paymentHash, encodeUtf8(saveRecord(each)));
  }
  function drop(hash: PaymentHash): void {
    arrived.delete(hash);
    node.records.put(ARRIVED + hash, undefined);
    node.wake();
  }

  async function ask({ set, preimage }: Arrived): Promise<void> {
    const { paymentHash, extraFee } = set;
    const gates = o.gates();
    const unguarded: PartsAnswer = extraFee === 0n ? 'claim' : 'fail';
    const answer = gates ? await gates.partsArrived(set).catch(failed) : unguarded;
    // An answer of gates that are closed says nothing; the next ones are asked again.
    if (gates !== o.gates()) return;
    const known = typeof answer === 'object' ? answer.preimage : preimage;
    if (answer !== 'fail' && known !== undefined) node.manager.claim_funds(fromHex(known));
    else {
      node.manager.fail_htlc_backwards(fromHex(paymentHash));
      drop(paymentHash);
    }
    node.wake();
  }

  function failed(cause: unknown): 'fail' {
    node.log({ level: 'warn', event: 'ldk.gate_failed', fields: { cause: String(cause) } });
    return 'fail';
  }

  function tellClaimed({ set: { paymentHash, received } }: Arrived): void {
    o.tell(async (to) => {
      await to.partsClaimed({ paymentHash, received });
      drop(paymentHash);
    });
  }

  return {
    claimable(event) {
      const preimage = someOf<Uint8Array>(event.purpose.preimage());
      const each = { set: toSet(node, event), preimage: preimage && toHex(preimage) };
      keep(each);
      void ask(each);
    },
    claimed(event) {
      const hash = toPaymentHash(event.payment_hash);
      const before = arrived.get(hash);
      const set = before?.set ?? { paymentHash: hash, received: toMsat(event.amount_msat), extraFee: msat(0n) };
      const each: Arrived = { set, preimage: before?.preimage, claimed: true };
      keep(each);
      expected.delete(hash);
      held.delete(hash);
      tellClaimed(each);
    },
    failed({ failed_next_destination: destination }) {
      if (!(destination instanceof ldk.HTLCDestination_FailedPayment)) return;
      const hash = toPaymentHash(destination.payment_hash);
      // Another HTLC of that hash may be here still: what is gone is gone only without any.
      const left = incomingHtlcs(node).some((htlc) => htlc.paymentHash === hash && htlc.outcome === undefined);
      if (left || arrived.get(hash)?.claimed) return;
      held.delete(hash);
      if (arrived.has(hash)) drop(hash);
      o.tell((to) => to.partsGone(hash));
    },
    expect: (hash, amount) => void expected.set(hash, amount),
    look() {
      if (expected.size === 0 || !o.gates()) return;
      const sums = new Map<PaymentHash, bigint>();
      for (const { paymentHash, amount, outcome } of incomingHtlcs(node)) {
        if (outcome === undefined) sums.set(paymentHash, (sums.get(paymentHash) ?? 0n) + amount);
      }
      for (const [hash, sum] of sums) {
        const whole = expected.get(hash);
        // A last part may have lost the fee of all: what is nearly whole is told when it has arrived.
        if (whole === undefined || arrived.has(hash) || sum >= whole / 2n + whole / 4n || held.get(hash) === sum)
          continue;
        held.set(hash, sum);
        o.tell((to) => to.partsHeld({ paymentHash: hash, received: msat(sum) }));
      }
    },
    askAgain() {
      for (const each of arrived.values()) {
        if (each.claimed) tellClaimed(each);
        else void ask(each);
      }
    },
  };
}

function toSet(node: LdkNode, event: ldk.Event_PaymentClaimable): PartSet {
  // The bindings type it as always there; LDK may leave it out.
  const via = event.via_channel_id as ldk.ChannelId | null | undefined;
  const channelId = via ? toChannelId(via) : undefined;
  return {
    paymentHash: toPaymentHash(event.payment_hash),
    received: toMsat(event.amount_msat),
    extraFee: toMsat(event.counterparty_skimmed_fee_msat),
    channelId,
    peer: channelId && peerOf(node, channelId),
  };
}

function peerOf(node: LdkNode, channelId: ChannelId): NodeId | undefined {
  const found = node.manager.list_channels().find((channel) => toChannelId(channel.get_channel_id()) === channelId);
  return found && toNodeId(found.get_counterparty().get_node_id());
}
