import * as ldk from 'lightningdevkit';
import { type Msat, msat } from '../../core/amount.ts';
import { fromHex, toHex } from '../../core/bytes.ts';
import type { ChannelId, NodeId, PaymentHash } from '../../core/ids.ts';
import { readRecord, saveRecord } from '../../core/record.ts';
import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import type { Gates, PartsAnswer, PartSet } from '../../ports/gates.ts';
import { someOf, toChannelId, toMsat, toNodeId, toPaymentHash } from './fromLdk.ts';
import { incomingHtlcs } from './incoming.ts';
import { madePayments } from './madePayments.ts';
import type { LdkNode } from './node.ts';

/** A payment between its arrival and its end. LDK tells of each step once; what it told is kept in the commit that took it. */
interface Arrived {
  readonly set: PartSet;
  /** The node's own, where it has it. */
  readonly preimage: string | undefined;
  /** LDK was told to claim it: from then on nothing gives it back. */
  readonly claiming?: boolean;
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
  /** A client has an invoice out for it. */
  expect(hash: PaymentHash, o: { readonly amount: Msat | undefined; readonly expirySeconds: number }): void;
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
  const made = madePayments(node);
  const held = new Map<PaymentHash, bigint>();
  /** Whom each payment is being asked of. */
  const asking = new Map<PaymentHash, Gates>();

  function keep(each: Arrived): void {
    arrived.set(each.set.paymentHash, each);
    node.records.put(ARRIVED + each.set.paymentHash, encodeUtf8(saveRecord(each)));
  }
  function drop(hash: PaymentHash): void {
    arrived.delete(hash);
    node.records.put(ARRIVED + hash, undefined);
    node.wake();
  }

  async function ask(each: Arrived): Promise<void> {
    const { paymentHash, extraFee } = each.set;
    const gates = o.gates();
    if (!gates) {
      // A client's own payment waits for the next client: who sold what to whom is not ours to judge.
      if (!made.get(paymentHash)) carryOut(each, extraFee === 0n ? 'claim' : 'fail');
      return;
    }
    if (asking.get(paymentHash) === gates) return;
    asking.set(paymentHash, gates);
    const answer = await gates.partsArrived(each.set).catch(failed);
    if (asking.get(paymentHash) === gates) asking.delete(paymentHash);
    // An answer of gates that are closed says nothing; the next ones are asked again.
    if (gates === o.gates()) carryOut(each, answer);
  }

  function carryOut(each: Arrived, answer: PartsAnswer): void {
    const { paymentHash } = each.set;
    const preimage = typeof answer === 'object' ? answer.preimage : each.preimage;
    const claims = answer !== 'fail' && preimage !== undefined;
    if (!arrived.has(paymentHash)) {
      // LDK gave it back while the gates thought: what they counted for it was never taken.
      if (claims) o.tell((to) => to.partsGone(paymentHash));
    } else if (claims) {
      keep({ ...each, claiming: true });
      node.manager.claim_funds(fromHex(preimage));
    } else {
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
      made.remove(hash);
      held.delete(hash);
      tellClaimed(each);
    },
    failed({ failed_next_destination: destination }) {
      if (!(destination instanceof ldk.HTLCDestination_FailedPayment)) return;
      const hash = toPaymentHash(destination.payment_hash);
      // Another HTLC of that hash may be here still: what is gone is gone only without any.
      const left = incomingHtlcs(node).some((htlc) => htlc.paymentHash === hash && htlc.outcome !== 'failed');
      const { claiming, claimed } = arrived.get(hash) ?? {};
      if (left || claiming || claimed) return;
      const known = arrived.has(hash) || held.delete(hash);
      if (arrived.has(hash)) drop(hash);
      if (known) o.tell((to) => to.partsGone(hash));
    },
    expect: made.add,
    look() {
      if (!o.gates()) return;
      const sums = new Map<PaymentHash, bigint>();
      for (const { paymentHash, amount, outcome } of incomingHtlcs(node)) {
        if (outcome === undefined) sums.set(paymentHash, (sums.get(paymentHash) ?? 0n) + amount);
      }
      for (const [hash, sum] of sums) {
        const whole = made.get(hash)?.amount;
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
  const paymentHash = toPaymentHash(event.payment_hash);
  // The event names one channel of perhaps several; the HTLCs that wait tell all.
  const over = new Map(
    incomingHtlcs(node)
      .filter((htlc) => htlc.paymentHash === paymentHash && htlc.outcome === undefined)
      .map((htlc) => [toChannelId(htlc.channelId), toNodeId(htlc.peer)]),
  );
  const all = channelId === undefined || over.has(channelId) ? over : undefined;
  return {
    paymentHash,
    received: toMsat(event.amount_msat),
    extraFee: toMsat(event.counterparty_skimmed_fee_msat),
    channelId,
    peer: channelId && peerOf(node, channelId),
    channels: all && all.size > 0 ? [...all].map(([id, peer]) => ({ channelId: id, peer })) : undefined,
  };
}

function peerOf(node: LdkNode, channelId: ChannelId): NodeId | undefined {
  const found = node.manager.list_channels().find((channel) => toChannelId(channel.get_channel_id()) === channelId);
  return found && toNodeId(found.get_counterparty().get_node_id());
}
