import { sha256 } from '@noble/hashes/sha2.js';
import { type Msat, sum } from '../../core/amount.ts';
import { toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { type ChannelId, type NodeId, type PaymentHash, paymentHash } from '../../core/ids.ts';
import type { Random } from '../../ports/clock.ts';
import type { ArrivedPart, ChannelAnswer, ChannelOffer, Gates } from '../../ports/gates.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { rawKey } from '../../protocol/bolt11/sign.ts';
import { publicKey } from '../../protocol/bolt11/signature.ts';
import type { WireEnd } from './wire.ts';

/** An HTLC on its way to the wallet. */
interface Delivery {
  readonly id: string;
  readonly paymentHash: PaymentHash;
  readonly part: ArrivedPart;
  /** `total_msat` of the onion. */
  readonly total: Msat;
  readonly channelId: ChannelId;
  /** The preimage when the wallet claims, undefined when it fails. Called once. */
  settle(preimage: string | undefined): void;
}

/** A wallet, and the side of it that its channels see. */
export interface MemoryWallet {
  readonly node: WalletNode;
  offer(offer: ChannelOffer): Promise<ChannelAnswer>;
  ready(offerId: string, channelId: ChannelId): Promise<void>;
  gone(offerId: string): Promise<void>;
  deliver(delivery: Delivery): void;
}

const KEY_BYTES = 32;
const TO_SELF_DELAY_BLOCKS = 144;
const MIN_FINAL_CLTV_EXPIRY_DELTA = 18;
const REFUSED: ChannelAnswer = { accept: false, code: 'not_bought', message: 'no channel was bought from you' };

export function memoryWallet(key: Uint8Array, wire: WireEnd, random: Random): MemoryWallet {
  const preimages = new Map<PaymentHash, string>();
  const waiting = new Map<PaymentHash, Delivery[]>();
  let gates: Gates | undefined;

  async function judge(hash: PaymentHash, peer: NodeId, deliveries: readonly Delivery[]): Promise<void> {
    const parts = deliveries.map(({ part }) => part);
    const received = sum(parts.map((part) => part.amount));
    const extraFee = sum(parts.map((part) => part.extraFee));
    const channels = new Set(deliveries.map(({ channelId }) => channelId));
    const channelId = channels.size === 1 ? deliveries[0]?.channelId : undefined;
    const preimage = preimages.get(hash);
    const unguarded = extraFee === 0n ? 'claim' : 'fail';
    const set = { paymentHash: hash, received, extraFee, peer, channelId, parts };
    const decision = gates ? await gates.partsArrived(set).catch(() => 'fail') : unguarded;
    const claimed = decision === 'claim' ? preimage : undefined;
    for (const delivery of deliveries) delivery.settle(claimed);
    if (claimed !== undefined) await gates?.partsClaimed({ paymentHash: hash, received }).catch(() => undefined);
  }

  return {
    offer: async (offer) => (await gates?.channelOffered(offer).catch(() => REFUSED)) ?? REFUSED,
    ready: async (offerId, channelId) => gates?.channelReady({ offerId, channelId }).catch(() => undefined),
    gone: async (offerId) => gates?.channelGone(offerId).catch(() => undefined),
    deliver(delivery) {
      const { paymentHash: hash } = delivery;
      if (!preimages.has(hash)) {
        delivery.settle(undefined);
        return;
      }
      const held = [...(waiting.get(hash) ?? []), delivery];
      waiting.set(hash, held);
      if (sum(held.map(({ part }) => part.onionAmount)) < delivery.total) return;
      waiting.delete(hash);
      void judge(hash, wire.peer, held);
    },
    node: {
      ...wire,
      nodeId: publicKey(key),
      network: 'regtest',
      minFinalCltvExpiryDelta: MIN_FINAL_CLTV_EXPIRY_DELTA,
      toSelfDelayBlocks: TO_SELF_DELAY_BLOCKS,
      async newPayment() {
        const preimage = random(KEY_BYTES);
        const hash = paymentHash(toHex(sha256(preimage)));
        preimages.set(hash, toHex(preimage));
        return { paymentHash: hash, paymentSecret: toHex(random(KEY_BYTES)) };
      },
      sign: async (unsigned) => rawKey(key)(unsigned),
      guard(given) {
        if (gates) throw new NodeError('this node is guarded by another client: close it first');
        gates = given;
        return () => {
          if (gates === given) gates = undefined;
        };
      },
    },
  };
}
