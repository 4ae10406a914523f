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
  /** A payment passed the gate; its preimage is given. */
  | { readonly tag: 'claiming' }
  /** The money is ours, over all payments to this invoice: `gross = received + fee`. */
  | { readonly tag: 'paid'; readonly gross: Msat; readonly fee: Msat; readonly received: Msat }
  /** The last channel or payment was refused; its payer has the money back. A right one is still taken until the end. */
  | { readonly tag: 'refused'; readonly what: 'channel' | 'payment'; readonly reason: RefusalReason }
  /** Nobody paid in time. Final. */
  | { readonly tag: 'expired' }
  /** The user gave it up. Final. */
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
  | 'expired'
  | 'cancelled';

/** A zero-conf channel that was let in for a purchase. */
interface LetIn {
  /** The node's name for the offer. */
  readonly offerId: string;
  /** Known once the channel is ready. */
  readonly channelId?: ChannelId;
}

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
  /** When the invoice ends, Unix seconds; never after `validUntil`. */
  readonly expiresAt: number;
  readonly invoice: string;
  readonly state: PurchaseState;
  /** Extra fees of all payments that passed the gate (W1). */
  readonly feePaid: Msat;
  /** What those payments brought. */
  readonly received: Msat;
  /** The one channel that this purchase lets in (W4). */
  readonly letIn: LetIn | undefined;
}

export const PURCHASE_PREFIX = 'client-purchase/';

/** LSP, scid and hash: two LSPs may sell the same scid, and a bad one may sell it twice. */
export const purchaseKey = ({ lsp, scid, paymentHash }: PurchaseRecord): string =>
  `${PURCHASE_PREFIX}${lsp}/${formatScid(scid)}/${paymentHash}`;

export const savePurchase = (record: PurchaseRecord): string => saveRecord(record);

const isPurchase = (record: unknown): record is PurchaseRecord =>
  typeof record === 'object' && record !== null && (record as { version?: unknown }).version === 1;

/** @throws DecodeError on what is no purchase of a version we know. */
export const readPurchase = (json: string): PurchaseRecord => readRecord(json, isPurchase);

/** What the LSP may still take out of payments to this purchase. */
export const feeLeft = (record: PurchaseRecord): Msat => msat(record.openingFee - record.feePaid);

/** A payment that began just before the invoice ended may still come this much later, in seconds. */
const GRACE_SECONDS = 120;

/** From when on nothing is let in or claimed any more, Unix seconds. */
export const endOf = (record: PurchaseRecord): number => record.expiresAt + GRACE_SECONDS;

/** Whether money has passed the gate: from then on no refusal, cancellation or expiry changes the state. */
export const isFilled = ({ state }: PurchaseRecord): boolean => state.tag === 'claiming' || state.tag === 'paid';

/** Whether it still waits for its money: neither filled, nor expired, nor cancelled. */
export const isOpen = (record: PurchaseRecord): boolean =>
  !isFilled(record) && record.state.tag !== 'expired' && record.state.tag !== 'cancelled';
