import * as ldk from 'lightningdevkit';
import { wholeSat } from '../../core/amount.ts';
import { concat, toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import type { NodeId } from '../../core/ids.ts';
import { untilTaken } from '../../core/untilTaken.ts';
import type { Stop } from '../../ports/abort.ts';
import type { ChannelAnswer, ChannelOffer, Gates } from '../../ports/gates.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { newUserId, someOf, toChannelId, toMsat, toNodeId, toPaymentHash, toU128, toU64, unwrap } from './fromLdk.ts';
import { ldkMessages } from './messages.ts';
import type { LdkNode } from './node.ts';

/** LDK's MIN_FINAL_CLTV_EXPIRY_DELTA. */
export const LDK_MIN_FINAL_CLTV_EXPIRY_DELTA = 24;
const LDK_DEFAULT_TO_SELF_DELAY_BLOCKS = 144;
const REFUSED_WITHOUT_GATES = 'no channel was bought from you';

/** An LDK node as a wallet: it shows payments as sums only, never single parts. */
export function ldkWallet(node: LdkNode, toSelfDelayBlocks = LDK_DEFAULT_TO_SELF_DELAY_BLOCKS): WalletNode {
  let gates: Gates | undefined;
  /** LDK's user_channel_id of an accepted channel -> the offer it came from. */
  const offers = new Map<bigint, string>();

  async function offered(event: ldk.Event_OpenChannelRequest): Promise<void> {
    // The peer picks the temporary channel id, and may pick one twice; the name of the offer is ours.
    const userId = newUserId();
    const offer = toOffer(event, userId);
    const answer = await answerTo(offer);
    const { temporary_channel_id: id, counterparty_node_id: peer } = event;
    if (answer.accept) {
      offers.set(userId, offer.offerId);
      const accepted = node.manager.accept_inbound_channel_from_trusted_peer_0conf(id, peer, userId);
      if (!accepted.is_ok()) await gone(userId);
    } else {
      node.manager.force_close_without_broadcasting_txn(id, peer, answer.message);
    }
    node.wake();
  }

  async function answerTo(offer: ChannelOffer): Promise<ChannelAnswer> {
    const refusal = { accept: false, code: 'not_bought', message: REFUSED_WITHOUT_GATES } as const;
    try {
      return (await gates?.channelOffered(offer)) ?? refusal;
    } catch (cause) {
      node.log({ level: 'warn', event: 'ldk.gate_failed', fields: { cause: String(cause) } });
      return refusal;
    }
  }

  /** News for the gates that must not be lost: kept until they took it, told again to the next client. */
  const news = untilTaken<(to: Gates) => Promise<void>>(() => undefined);

  async function gone(userId: bigint): Promise<void> {
    const offerId = offers.get(userId);
    offers.delete(userId);
    if (offerId !== undefined) news.tell((to) => to.channelGone(offerId));
  }

  async function ready(event: ldk.Event_ChannelReady): Promise<void> {
    const offerId = offers.get(toU128(event.user_channel_id));
    const channelId = toChannelId(event.channel_id);
    if (offerId !== undefined) news.tell((to) => to.channelReady({ offerId, channelId }));
  }

  async function claimable(event: ldk.Event_PaymentClaimable): Promise<void> {
    const paymentHash = toPaymentHash(event.payment_hash);
    const extraFee = toMsat(event.counterparty_skimmed_fee_msat);
    // The bindings type it as always there; LDK may leave it out.
    const via = event.via_channel_id as ldk.ChannelId | null | undefined;
    const channelId = via ? toChannelId(via) : undefined;
    const peer = channelId && peerOf(node, channelId);
    const set = { paymentHash, received: toMsat(event.amount_msat), extraFee, channelId, peer };
    const unguarded = extraFee === 0n ? 'claim' : 'fail';
    const decision = gates ? await gates.partsArrived(set).catch(() => 'fail' as const) : unguarded;
    const preimage = someOf<Uint8Array>(event.purpose.preimage());
    if (decision === 'claim' && preimage) node.manager.claim_funds(preimage);
    else node.manager.fail_htlc_backwards(event.payment_hash);
    node.wake();
  }

  async function claimed(event: ldk.Event_PaymentClaimed): Promise<void> {
    const o = { paymentHash: toPaymentHash(event.payment_hash), received: toMsat(event.amount_msat) };
    news.tell((to) => to.partsClaimed(o));
  }

  const handle = async (event: ldk.Event): Promise<void> => {
    if (event instanceof ldk.Event_OpenChannelRequest) await offered(event);
    else if (event instanceof ldk.Event_ChannelReady) await ready(event);
    else if (event instanceof ldk.Event_ChannelClosed) await gone(toU128(event.user_channel_id));
    else if (event instanceof ldk.Event_PaymentClaimable) await claimable(event);
    else if (event instanceof ldk.Event_PaymentClaimed) await claimed(event);
  };
  const failed = (cause: unknown) =>
    node.log({ level: 'warn', event: 'ldk.wallet_event_failed', fields: { cause: String(cause) } });
  node.onEvent((event) => {
    // A gate that failed to take news before, as by a full disk, gets it again with whatever happens next.
    news.again();
    handle(event).catch(failed);
  });

  return {
    ...ldkMessages(node),
    nodeId: node.nodeId,
    network: 'regtest',
    minFinalCltvExpiryDelta: LDK_MIN_FINAL_CLTV_EXPIRY_DELTA,
    toSelfDelayBlocks,
    async newPayment({ amount, expirySeconds, minFinalCltvExpiryDelta }) {
      const made = unwrap<ldk.TwoTuple_ThirtyTwoBytesThirtyTwoBytesZ>(
        node.manager.create_inbound_payment(
          ldk.Option_u64Z.constructor_some(amount),
          expirySeconds,
          ldk.Option_u16Z.constructor_some(minFinalCltvExpiryDelta),
        ),
        'create_inbound_payment',
      );
      return { paymentHash: toPaymentHash(made.get_a()), paymentSecret: toHex(made.get_b()) };
    },
    sign: async ({ text }) => sign(node, text),
    guard(given): Stop {
      if (gates) throw new NodeError('this node is guarded by another client: close it first');
      gates = given;
      const stop = news.add(async (item) =>
        item(given).catch((cause: unknown) => {
          failed(cause);
          throw cause;
        }),
      );
      news.again();
      return () => {
        stop();
        if (gates === given) gates = undefined;
      };
    },
  };
}

function toOffer(event: ldk.Event_OpenChannelRequest, userId: bigint): ChannelOffer {
  const { channel_negotiation_type: funds } = event;
  const push = funds instanceof ldk.InboundChannelFunds_PushMsat ? funds.push_msat : 0n;
  return {
    peer: toNodeId(event.counterparty_node_id),
    offerId: userId.toString(16),
    capacity: wholeSat(toU64(event.funding_satoshis)),
    push: toMsat(push),
    announced: Boolean(event.is_announced),
    scidAlias: Boolean(event.channel_type.supports_scid_privacy()),
    toSelfDelayBlocks: event.params.get_to_self_delay(),
  };
}

function peerOf(node: LdkNode, channelId: string): NodeId | undefined {
  const found = node.manager.list_channels().find((channel) => toChannelId(channel.get_channel_id()) === channelId);
  return found && toNodeId(found.get_counterparty().get_node_id());
}

const COMPACT_BYTES = 64;

/** LDK signs what it parsed itself, so it gets the whole invoice with a signature of zeros. */
function sign(node: LdkNode, unsigned: string): Uint8Array {
  const parsed = unwrap<ldk.SignedRawBolt11Invoice>(
    ldk.SignedRawBolt11Invoice.constructor_from_str(unsigned),
    'the invoice',
  );
  const signature = unwrap<Uint8Array>(
    node.signer.sign_invoice(parsed.raw_invoice(), ldk.Recipient.LDKRecipient_Node),
    'sign_invoice',
  );
  // r and s, then the recovery id as a little-endian u32.
  return concat(signature.slice(0, COMPACT_BYTES), signature.slice(COMPACT_BYTES, COMPACT_BYTES + 1));
}
