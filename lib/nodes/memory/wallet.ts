import { sha256 } from '@noble/hashes/sha2.js';
import { type Msat, msat, type Sat, sum } from '../../core/amount.ts';
import { toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { type ChannelId, type NodeId, type PaymentHash, paymentHash } from '../../core/ids.ts';
import { untilTaken } from '../../core/untilTaken.ts';
import type { Random } from '../../ports/clock.ts';
import type { ArrivedPart, ChannelAnswer, ChannelOffer, Gates, ReadyChannel } from '../../ports/gates.ts';
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
  ready(o: ReadyChannel, capacity: Sat): Promise<void>;
  gone(offerId: string): Promise<void>;
  /** The LSP closed it. */
  closed(offerId: string, ageBlocks: number): Promise<void>;
  deliver(delivery: Delivery): void;
}

const KEY_BYTES = 32;
const TO_SELF_DELAY_BLOCKS = 144;
const MIN_FINAL_CLTV_EXPIRY_DELTA = 18;
const MSAT_PER_SAT = 1000n;
const REFUSED: ChannelAnswer = { accept: false, code: 'not_bought', message: 'no channel was bought from you' };

/** What the wallet knows of a payment that it made an invoice for. */
interface Expected {
  /** Absent where the caller keeps it. */
  readonly preimage?: string;
}

export function memoryWallet(key: Uint8Array, wire: WireEnd, random: Random): MemoryWallet {
  const expected = new Map<PaymentHash, Expected>();
  const waiting = new Map<PaymentHash, Delivery[]>();
  /** Complete sets that were neither claimed nor failed. */
  const undecided = new Set<readonly Delivery[]>();
  const channels = new Map<ChannelId, { readonly ready: ReadyChannel; receivable: bigint }>();
  const news = untilTaken<(to: Gates) => Promise<void>>(() => undefined);
  let gates: Gates | undefined;

  async function judge(deliveries: readonly Delivery[]): Promise<void> {
    const [first] = deliveries;
    if (!first) return;
    undecided.add(deliveries);
    const asked = gates;
    const set = toSet(deliveries, wire.peer);
    const answer = await asked?.partsArrived(set).catch(() => 'fail' as const);
    // Without gates, or with gates that were closed meanwhile, nothing is decided; the next ones are asked again.
    if (!answer || asked !== gates || !undecided.delete(deliveries)) return;
    const preimage = typeof answer === 'object' ? answer.preimage : expected.get(first.paymentHash)?.preimage;
    const claimed = answer === 'fail' ? undefined : preimage;
    for (const { channelId, part, settle } of deliveries) {
      const channel = channels.get(channelId);
      if (channel && claimed !== undefined) channel.receivable -= part.amount;
      settle(claimed);
    }
    const { received } = set;
    if (claimed !== undefined) news.tell((to) => to.partsClaimed({ paymentHash: first.paymentHash, received }));
  }

  function hold(held: readonly Delivery[], hash: PaymentHash): void {
    const received = sum(held.map(({ part }) => part.amount));
    gates?.partsHeld({ paymentHash: hash, received }).catch(() => undefined);
  }

  function forget(id: string): void {
    for (const [name, { ready }] of channels) if (ready.offerId === id) channels.delete(name);
  }

  return {
    offer: async (offer) => (await gates?.channelOffered(offer).catch(() => REFUSED)) ?? REFUSED,
    async ready(o, capacity) {
      channels.set(o.channelId, { ready: o, receivable: capacity * MSAT_PER_SAT });
      await gates?.channelReady(o).catch(() => undefined);
    },
    async gone(offerId) {
      forget(offerId);
      await gates?.channelGone(offerId).catch(() => undefined);
    },
    async closed(offerId, ageBlocks) {
      forget(offerId);
      news.tell((to) => to.channelClosed({ offerId, byPeer: true, ageBlocks }));
    },
    deliver(delivery) {
      const { paymentHash: hash } = delivery;
      if (!expected.has(hash)) {
        delivery.settle(undefined);
        return;
      }
      const held = [...(waiting.get(hash) ?? []), delivery];
      waiting.set(hash, held);
      if (sum(held.map(({ part }) => part.onionAmount)) < delivery.total) {
        hold(held, hash);
        return;
      }
      waiting.delete(hash);
      void judge(held);
    },
    node: {
      ...wire,
      nodeId: publicKey(key),
      network: 'regtest',
      minFinalCltvExpiryDelta: MIN_FINAL_CLTV_EXPIRY_DELTA,
      toSelfDelayBlocks: TO_SELF_DELAY_BLOCKS,
      async newPayment({ paymentHash: given }) {
        const preimage = random(KEY_BYTES);
        const hash = given ?? paymentHash(toHex(sha256(preimage)));
        expected.set(hash, given === undefined ? { preimage: toHex(preimage) } : {});
        return { paymentHash: hash, paymentSecret: toHex(random(KEY_BYTES)) };
      },
      sign: async (unsigned) => rawKey(key)(unsigned),
      channels: async () =>
        [...channels].map(([channelId, { receivable }]) => ({
          channelId,
          peer: wire.peer,
          usable: wire.isConnected(wire.peer),
          receivable: msat(receivable),
          largestPart: msat(receivable),
        })),
      guard(given) {
        if (gates) throw new NodeError('this node is guarded by another client: close it first');
        gates = given;
        const stop = news.add((tell) => tell(given));
        return () => {
          stop();
          if (gates === given) gates = undefined;
        };
      },
      async resume({ offers }) {
        const there = new Map([...channels.values()].map(({ ready }) => [ready.offerId, ready]));
        for (const { offerId } of offers) {
          const channel = there.get(offerId);
          await (channel ? gates?.channelReady(channel) : gates?.channelGone(offerId));
        }
        for (const deliveries of undecided) void judge(deliveries);
        news.again();
      },
    },
  };
}

function toSet(deliveries: readonly Delivery[], peer: NodeId) {
  const parts = deliveries.map(({ part }) => part);
  const ids = new Set(deliveries.map(({ channelId }) => channelId));
  return {
    paymentHash: deliveries[0]?.paymentHash ?? paymentHash(''),
    received: sum(parts.map((part) => part.amount)),
    extraFee: sum(parts.map((part) => part.extraFee)),
    peer,
    channelId: ids.size === 1 ? deliveries[0]?.channelId : undefined,
    channels: [...ids].map((channelId) => ({ channelId, peer })),
    parts,
  };
}
