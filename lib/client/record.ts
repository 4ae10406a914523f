import { type Msat, msat } from '../core/amount.ts';
import type { ChannelId, NodeId, PaymentHash } from '../core/ids.ts';
import { readRecord, saveRecord } from '../core/record.ts';
import { formatScid, type Scid } from '../core/scid.ts';
import type { Funding } from '../ports/gates.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';
import type { AlertReason, PurchaseState } from './state.ts';

/** A channel that was let in for a purchase. */
export interface LetIn {
  /** The node's name for the offer. */
  readonly offerId: string;
  /** Known once the channel is ready. */
  readonly channelId?: ChannelId;
  readonly funding?: Funding;
  /** How deep its funding must be before a preimage is given over it (W5); absent: nobody asks. */
  readonly depth?: number;
  /** What its `accept_channel` asked for; absent: 0. */
  readonly minimumDepth?: number;
  /** Confirmations with which its funding was seen on the chain; absent: it was not. */
  readonly seenDepth?: number;
  /** It is no more. */
  readonly closed?: boolean;
}

/** What was promised when the payer decides: the rate, and the payments that it and the limits allow. */
interface Rate {
  readonly minFee: Msat;
  readonly proportionalPpm: number;
  readonly minPaymentSize: Msat;
  readonly maxPaymentSize: Msat;
}

/** The record of what was promised, and of what was paid. Plain data. */
export interface PurchaseRecord {
  readonly version: 2;
  readonly scid: Scid;
  readonly lsp: NodeId;
  /** Where the LSP listened when it sold; absent in records of version 1. */
  readonly lspUri?: string;
  readonly paymentHash: PaymentHash;
  /** Undefined: the payer decides, at this `rate`. */
  readonly paymentSize: Msat | undefined;
  /** Of a fixed amount the promise; else the fee of the one payment that paid some of it, undefined before. */
  readonly openingFee: Msat | undefined;
  readonly rate?: Rate;
  readonly trust: Trust;
  /** `Limits.confirmations` when it was bought. */
  readonly confirmations?: number;
  /** `Limits.maxToSelfDelayBlocks` when it was bought. */
  readonly maxToSelfDelayBlocks?: number;
  /** Blocks in which the LSP keeps the channel. */
  readonly minLifetimeBlocks: number;
  /** Unix seconds. */
  readonly validUntil: number;
  /** When the invoice ends, Unix seconds; never after `validUntil`. */
  readonly expiresAt: number;
  readonly invoice: string;
  /** Whose preimage it is: absent, the node's own; else the caller's, which may still be missing. */
  readonly own?: { readonly preimage?: string };
  readonly state: PurchaseState;
  /** Extra fees of all payments that passed the gate (W1). */
  readonly feePaid: Msat;
  /** What those payments brought. */
  readonly received: Msat;
  /** The one channel that this purchase lets in (W4). */
  readonly letIn: LetIn | undefined;
  /** Channels that were let in for it and closed before their funding was seen: no preimage for what came over them (W5). */
  readonly lost?: readonly { readonly channelId: ChannelId; readonly until: number }[];
  /** When the payment that is held, or was held before a restart, had arrived, Unix seconds. */
  readonly heldAt?: number | undefined;
  /** When the money was ours, Unix seconds. */
  readonly paidAt?: number;
  readonly alerts?: readonly AlertReason[];
}

export const PURCHASE_PREFIX = 'client-purchase/';

/** LSP, scid and hash: two LSPs may sell the same scid, and a bad one may sell it twice. */
export const purchaseKey = ({ lsp, scid, paymentHash }: PurchaseRecord): string =>
  `${PURCHASE_PREFIX}${lsp}/${formatScid(scid)}/${paymentHash}`;

export const savePurchase = (record: PurchaseRecord): string => saveRecord(record);

type Saved = PurchaseRecord | (Omit<PurchaseRecord, 'version' | 'minLifetimeBlocks'> & { readonly version: 1 });

const isPurchase = (record: unknown): record is Saved =>
  typeof record === 'object' && record !== null && [1, 2].includes((record as { version?: number }).version ?? 0);

/** Reads a record of any version that was ever released. @throws DecodeError on what is no purchase of a version we know. */
export function readPurchase(json: string): PurchaseRecord {
  const saved = readRecord(json, isPurchase);
  // JSON leaves out what is undefined.
  const { paymentSize, openingFee, letIn } = saved;
  return saved.version === 2
    ? { ...saved, paymentSize, openingFee, letIn }
    : { ...saved, version: 2, paymentSize, openingFee, letIn, minLifetimeBlocks: 0 };
}

/** A payment that began just before the invoice ended may still come this much later, in seconds. */
const GRACE_SECONDS = 120;
/** Purchases that are over are forgotten after this; nothing is kept for ever. */
const KEEP_SECONDS = 90 * 86_400;

/** From when on nothing is let in or claimed any more, Unix seconds. */
export const endOf = (record: PurchaseRecord): number => record.expiresAt + GRACE_SECONDS;

/** From when on a record is of no use, Unix seconds: nothing can be charged to it, and its channel is its own. */
export const forgottenAt = (record: PurchaseRecord): number =>
  Math.max(record.validUntil, endOf(record)) +
  Math.max(KEEP_SECONDS, Math.min(record.minLifetimeBlocks, LIFETIME_MAX_BLOCKS) * BLOCK_SECONDS);
const BLOCK_SECONDS = 600;
/** Two years: an LSP that promises more does not make us remember it for ever. */
const LIFETIME_MAX_BLOCKS = 105_120;

/** Whether money has passed the gate: from then on no refusal, cancellation or expiry changes the state. */
export const isFilled = ({ state }: PurchaseRecord): boolean => state.tag === 'claiming' || state.tag === 'paid';

/** Whether it still waits for its money: neither filled, nor expired, nor cancelled. */
export const isOpen = (record: PurchaseRecord): boolean =>
  !isFilled(record) && record.state.tag !== 'expired' && record.state.tag !== 'cancelled';

/** Where a purchase stands to which no money was held back. */
export const restingState = (record: PurchaseRecord): PurchaseState =>
  record.letIn ? { tag: 'channelOpening' } : { tag: 'waiting' };

export const NOTHING = msat(0n);
