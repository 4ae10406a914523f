import * as ldk from 'lightningdevkit';
import type { Msat } from '../../core/amount.ts';
import type { PaymentHash } from '../../core/ids.ts';
import { someOf, toChannelId, toPaymentHash } from './fromLdk.ts';
import type { LdkNode } from './node.ts';

/** An HTLC that came in, as LDK lists it. */
export interface IncomingHtlc {
  /** Channel and number: unique while it lives. */
  readonly key: string;
  readonly paymentHash: PaymentHash;
  readonly amount: bigint;
  readonly expiryHeight: number;
  readonly channelId: ldk.ChannelId;
  readonly peer: Uint8Array;
  /** `settled` or `failed` once LDK is giving it back; it is listed until the peer has agreed. */
  readonly outcome: 'settled' | 'failed' | undefined;
}

const OUTCOME = new Map<ldk.InboundHTLCStateDetails | undefined, IncomingHtlc['outcome']>([
  [ldk.InboundHTLCStateDetails.LDKInboundHTLCStateDetails_AwaitingRemoteRevokeToRemoveFulfill, 'settled'],
  [ldk.InboundHTLCStateDetails.LDKInboundHTLCStateDetails_AwaitingRemoteRevokeToRemoveFail, 'failed'],
]);

export function incomingHtlcs(node: LdkNode): readonly IncomingHtlc[] {
  return node.manager.list_channels().flatMap((channel) => {
    const channelId = channel.get_channel_id();
    const peer = channel.get_counterparty().get_node_id();
    return channel.get_pending_inbound_htlcs().map((htlc) => ({
      key: `${toChannelId(channelId)}/${htlc.get_htlc_id()}`,
      paymentHash: toPaymentHash(htlc.get_payment_hash()),
      amount: htlc.get_amount_msat(),
      expiryHeight: htlc.get_cltv_expiry(),
      channelId,
      peer,
      outcome: OUTCOME.get(someOf<ldk.InboundHTLCStateDetails>(htlc.get_state())),
    }));
  });
}

/** LDK's event names no HTLC: the one of that hash and amount that expires first and is not taken. */
export const findIncoming = (
  node: LdkNode,
  o: { readonly paymentHash: PaymentHash; readonly amount: Msat; readonly taken: ReadonlySet<string> },
): IncomingHtlc | undefined =>
  incomingHtlcs(node)
    .filter((htlc) => htlc.paymentHash === o.paymentHash && htlc.amount === o.amount)
    // One that LDK is giving back already is an earlier one.
    .filter((htlc) => htlc.outcome === undefined && !o.taken.has(htlc.key))
    .sort((a, b) => a.expiryHeight - b.expiryHeight)[0];
