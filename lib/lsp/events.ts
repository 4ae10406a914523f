import type { Msat } from '../core/amount.ts';
import type { FailureReason } from '../core/failureCode.ts';
import type { ChannelId, NodeId, PaymentHash, Txid } from '../core/ids.ts';
import type { Scid } from '../core/scid.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';
import type { EndReason } from '../session/data.ts';

interface OfPurchase {
  readonly scid: Scid;
}
interface OfPayment extends OfPurchase {
  readonly paymentHash: PaymentHash;
}

/** What an operator can listen to. Each event comes after what it tells was done. */
export interface LspEvents {
  sold: OfPurchase & {
    readonly client: NodeId;
    /** Undefined, both, when the payer decides. */
    readonly paymentSize?: Msat | undefined;
    readonly openingFee?: Msat | undefined;
    readonly trust: Trust;
  };
  partHeld: OfPayment & {
    readonly id: string;
    readonly amount: Msat;
    readonly heldTotal: Msat;
    readonly parts: number;
  };
  clientAway: OfPayment;
  channelOpening: OfPurchase & { readonly client: NodeId; readonly capacitySat: bigint };
  channelFunded: OfPurchase & { readonly fundingTxid: Txid };
  channelReady: OfPurchase & { readonly channelId: ChannelId };
  fundingBroadcast: OfPurchase & { readonly fundingTxid: Txid };
  partForwarded: OfPayment & { readonly id: string; readonly amount: Msat; readonly extraFee: Msat };
  partSettled: OfPayment & { readonly id: string };
  partFailed: OfPayment & { readonly id: string; readonly reason: FailureReason | 'client' | 'gone' };
  ended: OfPayment & { readonly how: 'succeeded' | 'failed' | 'abandoned'; readonly reason: EndReason | undefined };
  /** `valid_until` has passed, and nobody, or not everybody, paid for a channel that is open: it is being closed. */
  channelUnpaid: OfPurchase & {
    readonly client: NodeId;
    readonly channelId: ChannelId | undefined;
    readonly feeSettled: Msat;
  };
  /** The offer is over: `valid_until` has passed, and nothing is under way. Its scid leads nowhere now. */
  expired: OfPurchase & { readonly client: NodeId; readonly paid: boolean; readonly feeSettled: Msat };
  /** The LSP went on with a purchase that had something under way when it stopped. */
  resumed: OfPurchase & { readonly client: NodeId; readonly payments: number };
  /** Something the operator must look at: a save, a broadcast or a node call keeps failing. */
  trouble: OfPurchase & { readonly what: string; readonly cause: unknown };
}
