import { type ChannelId, type ChannelOffer, msat, type NodeId, type PartSet, type PaymentHash, sat } from 'lsps2';
import type { PurchaseRecord } from '../../lib/client/record.ts';
import { wholeSat } from '../../lib/core/amount.ts';
import { scid } from '../../lib/core/scid.ts';

// A purchase of 100,000 sat for 1,000 sat, the channel that was bought with it, and its payment.

export const [LSP, OTHER] = [`02${'11'.repeat(32)}`, `03${'22'.repeat(32)}`] as [NodeId, NodeId];
export const [HASH, HASH2] = ['aa', 'bb'].map((byte) => byte.repeat(32)) as [PaymentHash, PaymentHash];
export const [CHANNEL, CHANNEL2] = ['cc', 'dd'].map((byte) => byte.repeat(32)) as [ChannelId, ChannelId];
export const SIZE = sat(100_000n);
export const FEE = sat(1_000n);

export const record = (paymentHash: PaymentHash, change: Partial<PurchaseRecord> = {}): PurchaseRecord => ({
  version: 2,
  scid: scid(BigInt(`0x${paymentHash.slice(0, 8)}`)),
  lsp: LSP,
  paymentHash,
  paymentSize: SIZE,
  openingFee: FEE,
  trust: 'lsp-trusts-client',
  minLifetimeBlocks: 1008,
  validUntil: 1000,
  expiresAt: 990,
  invoice: 'lnbcrt1',
  state: { tag: 'waiting' },
  feePaid: msat(0n),
  received: msat(0n),
  letIn: undefined,
  ...change,
});

export const offer = (change: Partial<ChannelOffer> = {}): ChannelOffer => ({
  peer: LSP,
  offerId: 'o1',
  capacity: wholeSat(150_000n),
  push: msat(0n),
  announced: false,
  scidAlias: true,
  toSelfDelayBlocks: 144,
  ...change,
});

export const set = (change: Partial<PartSet> = {}): PartSet => ({
  paymentHash: HASH,
  received: msat(SIZE - FEE),
  extraFee: FEE,
  peer: LSP,
  channelId: CHANNEL,
  ...change,
});
