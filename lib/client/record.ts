import { type Msat, msat } from '../core/amount.ts';
import type { ChannelId, NodeId, PaymentHash } from '../core/ids.ts';
import { readRecord, saveRecord } from '../core/record.ts';
import { formatScid, type Scid } from '../core/scid.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';

/** Where a purchase stands. */
export type PurchaseState =
  /** The invoice is out; nothing has come yet. */
  | { readonly tag: 'waiting' }
  /** The LSP's channel was let in. */
  | { readonly tag: 'channelOpening' }
  /** The payment passed the gate; its preimage is given. */
  | { readonly tag: 'claiming'; readonly received: Msat; readonly fee: Msat }
  /** The money is ours: `received + fee` is what the payer sent. */
  | { readonly tag: 'paid'; readonly gross: Msat; readonly fee: Msat; readonly received: Msat }
  /** We refused the channel or the payment; the payer has its money back. A later right one is still taken. */
  | { readonly tag: 'refused'; readonly what: 'channel' | 'payment'; readonly reason: RefusalReason }
  | { readonly tag: 'expired' }
  | { readonly tag: 'cancelled' };

/** Why a gate said no. */
export type RefusalReason =
  | 'not_bought'
  | 'public_channel'
  | 'no_scid_alias'
  | 'pushed_amount'
  | 'channel_too_small'
  | 'to_self_delay_too_long'
  | 'overcharged'
  | 'underpaid'
  | 'part_amount_wrong'
  | 'fee_from_another_peer'
  | 'fee_not_agreed'
  | 'cancelled';

/** The record of what was promised, and of what was paid. Plain data. */
export interface PurchaseRecord {
  readonly version: 1;
  readonly scid: Scid;
  readonly lsp: NodeId;
  readonly paymentHash: PaymentHash;
  readonly paymentSize: Msat;
  readonly openingFee: Msat;
  readonly trust: Trust;
  /** Unix seconds. */
  readonly validUntil: number;
  readonly invoice: string;
  readonly state: PurchaseState;
  /** Extra fees of all payments claimed so far (W1). */
  readonly feePaid: Msat;
  /** The channel that the first part came over. */
  readonly channelId: ChannelId | undefined;
}

export const PURCHASE_PREFIX = 'client-purchase/';

/** Two LSPs may sell the same scid. */
export const purchaseKey = (record: PurchaseRecord): string =>
  `${PURCHASE_PREFIX}${record.lsp}/${formatScid(record.scid)}`;

export const savePurchase = (record: PurchaseRecord): string => saveRecord(record);

const isPurchase = (record: unknown): record is PurchaseRecord =>
  typeof record === 'object' && record !== null && (record as { version?: unknown }).version === 1;

/** @throws DecodeError on what is no purchase of a version we know. */
export const readPurchase = (json: string): PurchaseRecord => readRecord(json, isPurchase);

/** What the LSP may still take out of payments to this purchase. */
export const feeLeft = (record: PurchaseRecord): Msat => msat(record.openingFee - record.feePaid);
