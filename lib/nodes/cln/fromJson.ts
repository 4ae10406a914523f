import { msat } from '../../core/amount.ts';
import { fromHex } from '../../core/bytes.ts';
import { channelId, nodeId, paymentHash } from '../../core/ids.ts';
import { parseScid } from '../../core/scid.ts';
import { decodeFeatures } from '../../protocol/bolt1/features.ts';
import { amountOf, type Json, largeOf, listOf, maybeAmount, maybeText, objectOf, textOf, wholeOf } from './json.ts';
import type { ClnChannel, ClnInvoice, ClnPeer } from './lightningd.ts';

// What lightningd's own JSON-RPC says.

const OPENING = /^(OPENINGD|CHANNELD_AWAITING_LOCKIN|DUALOPEND_)/;
const NORMAL = /^CHANNELD_(NORMAL|AWAITING_SPLICE)$/;
/** From here on an incoming HTLC is being removed. */
const REMOVED = /_REMOVE_/;

/** @throws DecodeError, as all of these do. */
export function channelFromJson(from: Json): ClnChannel {
  const alias = objectOf(from['alias'] ?? {}, 'alias');
  const remote = objectOf(objectOf(from['updates'] ?? {}, 'updates')['remote'] ?? {}, 'updates.remote');
  const names = [maybeText(from, 'short_channel_id'), maybeText(alias, 'local')];
  const state = textOf(from, 'state');
  const [id, theirAlias] = [maybeText(from, 'channel_id'), maybeText(alias, 'remote')];
  const receivable = largeOf(from, 'receivable_msat') ?? msat(0n);
  return {
    peer: nodeId(textOf(from, 'peer_id')),
    peerConnected: from['peer_connected'] === true,
    state: OPENING.test(state) ? 'opening' : NORMAL.test(state) ? 'normal' : 'closing',
    channelId: id === undefined ? undefined : channelId(id),
    names: names.flatMap((text) => (text === undefined ? [] : parseScid(text))),
    confirmed: from['short_channel_id'] !== undefined,
    remoteAlias: theirAlias === undefined ? undefined : parseScid(theirAlias),
    openedByPeer: from['opener'] === 'remote',
    closedByPeer: from['closer'] === 'remote',
    capacity: largeOf(from, 'total_msat') ?? msat(0n),
    toUs: largeOf(from, 'to_us_msat') ?? msat(0n),
    receivable,
    inFlightMax: largeOf(from, 'our_max_htlc_value_in_flight_msat') ?? receivable,
    policy: remote['cltv_expiry_delta'] === undefined ? undefined : policyOf(remote),
    unanswered: listOf(from, 'htlcs')
      .filter((htlc) => htlc['direction'] === 'in' && !REMOVED.test(textOf(htlc, 'state')))
      .map((htlc) => paymentHash(textOf(htlc, 'payment_hash'))),
  };
}

const policyOf = (remote: Json) => ({
  feeBaseMsat: Number(amountOf(remote, 'fee_base_msat')),
  feeProportionalPpm: wholeOf(remote, 'fee_proportional_millionths'),
  cltvExpiryDelta: wholeOf(remote, 'cltv_expiry_delta'),
});

export const peerFromJson = (from: Json): ClnPeer => ({
  nodeId: nodeId(textOf(from, 'id')),
  connected: from['connected'] === true,
  features: decodeFeatures(fromHex(maybeText(from, 'features') ?? '')),
});

export function invoiceFromJson(from: Json): ClnInvoice {
  const status = textOf(from, 'status');
  return {
    status: status === 'paid' || status === 'expired' ? status : 'unpaid',
    received: maybeAmount(from, 'amount_received_msat'),
  };
}
