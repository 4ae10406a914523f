import * as ldk from 'lightningdevkit';
import { concat, fromHex, toHex } from '../../core/bytes.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { guarding } from '../parts/guarding.ts';
import { toPaymentHash, unwrap } from './fromLdk.ts';
import { ldkMessages } from './messages.ts';
import type { LdkNode } from './node.ts';
import { walletChannels } from './walletChannels.ts';
import { walletPayments } from './walletPayments.ts';

/** LDK's MIN_FINAL_CLTV_EXPIRY_DELTA. */
export const LDK_MIN_FINAL_CLTV_EXPIRY_DELTA = 24;

/** An LDK node as a wallet: it shows payments as sums only, never single parts. */
export function ldkWallet(node: LdkNode): WalletNode {
  const failed = (cause: unknown) =>
    node.log({ level: 'warn', event: 'ldk.wallet_event_failed', fields: { cause: String(cause) } });
  const guard = guarding(failed);
  const channels = walletChannels(node, guard);
  const payments = walletPayments(node, guard);

  node.onEvent((event) => {
    // A gate that failed to take news before, as by a full disk, gets it again with whatever happens next.
    guard.tellAgain();
    if (event instanceof ldk.Event_OpenChannelRequest) channels.offered(event).catch(failed);
    else if (event instanceof ldk.Event_ChannelReady) channels.ready(event);
    else if (event instanceof ldk.Event_ChannelClosed) channels.closed(event);
    else if (event instanceof ldk.Event_PaymentClaimable) payments.claimable(event);
    else if (event instanceof ldk.Event_PaymentClaimed) payments.claimed(event);
  });
  node.onRound(() => payments.look());
  node.onBlock((height) => payments.block(height));

  return {
    ...ldkMessages(node),
    nodeId: node.nodeId,
    network: 'regtest',
    minFinalCltvExpiryDelta: LDK_MIN_FINAL_CLTV_EXPIRY_DELTA,
    toSelfDelayBlocks: node.config.get_channel_handshake_config().get_our_to_self_delay(),
    minimumDepthMax: node.minimumDepth,
    async newPayment({ paymentHash: given, amount, expirySeconds, minFinalCltvExpiryDelta }) {
      const least =
        amount === undefined ? ldk.Option_u64Z.constructor_none() : ldk.Option_u64Z.constructor_some(amount);
      const delta = ldk.Option_u16Z.constructor_some(minFinalCltvExpiryDelta);
      const { paymentHash, paymentSecret } =
        given === undefined ? ours(least, expirySeconds, delta) : theirs(given, least, expirySeconds, delta);
      payments.expect(paymentHash, { amount, expirySeconds });
      node.wake();
      return { paymentHash, paymentSecret };
    },
    sign: async ({ text }) => sign(node, text),
    channels: async () => channels.list(),
    guard: guard.guard,
    async resume({ offers, claiming }) {
      channels.tellAgain(offers);
      guard.tellAgain();
      payments.askAgain(claiming);
      node.begin();
    },
  };

  function ours(least: ldk.Option_u64Z, expirySeconds: number, delta: ldk.Option_u16Z) {
    const made = unwrap<ldk.TwoTuple_ThirtyTwoBytesThirtyTwoBytesZ>(
      node.manager.create_inbound_payment(least, expirySeconds, delta),
      'create_inbound_payment',
    );
    return { paymentHash: toPaymentHash(made.get_a()), paymentSecret: toHex(made.get_b()) };
  }

  function theirs(
    paymentHash: ReturnType<typeof toPaymentHash>,
    least: ldk.Option_u64Z,
    expirySeconds: number,
    delta: ldk.Option_u16Z,
  ) {
    const secret = unwrap<Uint8Array>(
      node.manager.create_inbound_payment_for_hash(fromHex(paymentHash), least, expirySeconds, delta),
      'create_inbound_payment_for_hash',
    );
    return { paymentHash, paymentSecret: toHex(secret) };
  }
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
