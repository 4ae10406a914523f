import * as ldk from 'lightningdevkit';
import { type Msat, msat } from '../../core/amount.ts';
import { fromHex, toHex } from '../../core/bytes.ts';
import type { ChannelId, NodeId, PaymentHash } from '../../core/ids.ts';
import type { Gates, PartsAnswer, PartSet } from '../../ports/gates.ts';
import { type Arrived, arrivedPayments } from './arrivedPayments.ts';
import { newUserId, someOf, toChannelId, toMsat, toNodeId, toPaymentHash } from './fromLdk.ts';
import { incomingHtlcs } from './incoming.ts';
import { madePayments } from './madePayments.ts';
import type { LdkNode } from './node.ts';

/** A wallet's payments: asks the gates, claims or fails, and tells what was claimed. */
export interface WalletPayments {
  claimable(event: ldk.Event_PaymentClaimable): void;
  claimed(event: ldk.Event_PaymentClaimed): void;
  /** A client has an invoice out for it. */
  expect(hash: PaymentHash, o: { readonly amount: Msat | undefined; readonly expirySeconds: number }): void;
  /** Tells of HTLCs that are here while others of their payment are not, and when those are gone. */
  look(): void;
  /** LDK has given back what could not wait longer. */
  block(height: number): void;
  /** Asks once more about what was neither claimed nor failed; tells that what was counted and is not here is gone. */
  askAgain(claiming: readonly PaymentHash[]): void;
}

export function walletPayments(
  node: LdkNode,
  o: { gates(): Gates | undefined; tell(news: (to: Gates) => Promise<void>): void },
): WalletPayments {
  const arrived = arrivedPayments(node);
  const made = madePayments(node);
  /** Sums of payments that are not whole. */
  const held = new Map<PaymentHash, bigint>();
  /** Payments that are decided, and whose HTLCs LDK still lists. */
  const decided = new Set<PaymentHash>();
  /** Whom each payment is being asked of, by its id. */
  const asking = new Map<string, Gates>();
  const height = () => node.manager.current_best_block().get_height();
  const isLate = ({ deadline }: Arrived, at = height()) => deadline !== undefined && at >= deadline;

  async function ask(each: Arrived): Promise<void> {
    const { id, set } = each;
    const gates = o.gates();
    if (!gates) {
      // A client's own payment waits for the next client: who sold what to whom is not ours to judge.
      if (!made.get(set.paymentHash)) carryOut(each, set.extraFee === 0n ? 'claim' : 'fail');
      return;
    }
    if (asking.get(id) === gates) return;
    asking.set(id, gates);
    const answer = await gates.partsArrived({ ...set, channels: channelsOf(node, set) }).catch(failed);
    if (asking.get(id) === gates) asking.delete(id);
    // An answer of gates that are closed says nothing; the next ones are asked again.
    if (gates === o.gates()) carryOut(each, answer);
  }

  /** An answer is for the payment that was asked about, and no other of the same hash. */
  function carryOut({ id }: Arrived, answer: PartsAnswer): void {
    const each = arrived.get(id);
    if (!each || each.claiming) return;
    const preimage = typeof answer === 'object' ? answer.preimage : each.preimage;
    if (answer === 'fail' || preimage === undefined) giveBack(each, answer !== 'fail');
    else if (isLate(each)) giveBack(each, true);
    else {
      arrived.keep({ ...each, claiming: true });
      node.manager.claim_funds(fromHex(preimage));
    }
    node.wake();
  }

  /** `told`: the gates may have counted on it. */
  function giveBack({ id, set: { paymentHash, received, extraFee } }: Arrived, told: boolean): void {
    arrived.drop(id);
    decided.add(paymentHash);
    node.manager.fail_htlc_backwards(fromHex(paymentHash));
    if (told) o.tell((to) => to.partsGone({ paymentHash, received, extraFee }));
  }

  function failed(cause: unknown): 'fail' {
    node.log({ level: 'warn', event: 'ldk.gate_failed', fields: { cause: String(cause) } });
    return 'fail';
  }

  function tellClaimed({ id, set: { paymentHash, received } }: Arrived): void {
    o.tell(async (to) => {
      // Nobody is told "paid" before it is on disk.
      await node.records.saved();
      await to.partsClaimed({ paymentHash, received });
      arrived.drop(id);
      node.wake();
    });
  }

  return {
    claimable(event) {
      const preimage = someOf<Uint8Array>(event.purpose.preimage());
      const each: Arrived = {
        id: newUserId().toString(16),
        set: toSet(node, event),
        preimage: preimage && toHex(preimage),
        deadline: someOf<number>(event.claim_deadline),
      };
      const { paymentHash } = each.set;
      held.delete(paymentHash);
      // LDK tells of a payment a second time only when some of the first went back: the first as it was is gone.
      for (const old of arrived.of(paymentHash)) {
        if (old.claiming) continue;
        arrived.drop(old.id);
        const { received, extraFee } = old.set;
        o.tell((to) => to.partsGone({ paymentHash, received, extraFee }));
      }
      arrived.keep(each);
      // LDK would fail it at the claim: nobody knows what these mean.
      if (hasEvenTlv(event)) giveBack(each, false);
      else void ask(each);
    },
    claimed(event) {
      const hash = toPaymentHash(event.payment_hash);
      const [first] = arrived.of(hash).filter((each) => each.claiming && !each.claimed);
      const set: PartSet = { paymentHash: hash, received: toMsat(event.amount_msat), extraFee: msat(0n) };
      const unknown: Arrived = { id: newUserId().toString(16), set, preimage: undefined, claiming: true };
      const each = { ...(first ?? unknown), claimed: true };
      arrived.keep(each);
      made.remove(hash);
      tellClaimed(each);
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
        if (whole === undefined || sum >= whole / 2n + whole / 4n || held.get(hash) === sum) continue;
        if (arrived.of(hash).length > 0 || decided.has(hash)) continue;
        held.set(hash, sum);
        o.tell((to) => to.partsHeld({ paymentHash: hash, received: msat(sum) }));
      }
      for (const hash of decided) if (!sums.has(hash)) decided.delete(hash);
      for (const hash of held.keys()) {
        if (sums.has(hash)) continue;
        held.delete(hash);
        o.tell((to) => to.partsGone({ paymentHash: hash }));
      }
    },
    block(at) {
      // LDK gives back each HTLC at its own time; what is left of the set goes with the first.
      for (const each of arrived.all()) if (!each.claiming && isLate(each, at)) giveBack(each, true);
    },
    askAgain(claiming) {
      const known = new Set(arrived.all().map(({ set }) => set.paymentHash));
      for (const paymentHash of claiming) {
        if (!known.has(paymentHash)) o.tell((to) => to.partsGone({ paymentHash }));
      }
      for (const each of arrived.all()) {
        if (each.claimed) tellClaimed(each);
        // LDK was told in the same commit, and goes on by itself: nothing may give it back any more.
        else if (each.claiming) continue;
        else if (isLate(each)) giveBack(each, true);
        else void ask(each);
      }
    },
  };
}

const hasEvenTlv = ({ onion_fields: fields }: ldk.Event_PaymentClaimable): boolean =>
  ((fields as ldk.RecipientOnionFields | null | undefined)?.custom_tlvs() ?? []).some((tlv) => tlv.get_a() % 2n === 0n);

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

/** The event names one channel of perhaps several; the HTLCs that wait tell all, unless some wait in a channel that is closed. */
function channelsOf(node: LdkNode, { paymentHash, received }: PartSet): PartSet['channels'] {
  const here = incomingHtlcs(node).filter((htlc) => htlc.paymentHash === paymentHash && htlc.outcome === undefined);
  if (here.reduce((total, { amount }) => total + amount, 0n) !== received) return undefined;
  const over = new Map(here.map((htlc) => [toChannelId(htlc.channelId), toNodeId(htlc.peer)]));
  return [...over].map(([channelId, peer]) => ({ channelId, peer }));
}

function peerOf(node: LdkNode, channelId: ChannelId): NodeId | undefined {
  const found = node.manager.list_channels().find((channel) => toChannelId(channel.get_channel_id()) === channelId);
  return found && toNodeId(found.get_counterparty().get_node_id());
}
