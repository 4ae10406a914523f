import {
  type ChannelAnswer,
  type ChannelOffer,
  decodeInvoice,
  type Gates,
  type LspNode,
  type ReadyChannel,
  sat,
  TransportError,
  type WalletNode,
} from 'lsps2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wholeSat } from '../../lib/core/amount.ts';
import { type NodeId, parseUri, paymentHash } from '../../lib/core/ids.ts';
import type { ChannelEvent } from '../../lib/ports/lspNode.ts';
import { until } from '../../lib/testing/until.ts';
import { signInvoice } from '../../lib/protocol/bolt11/sign.ts';

export interface Pair {
  readonly wallet: WalletNode;
  readonly lsp: LspNode;
  readonly lspUri: string;
  /** The node says nothing of a negotiation that came to nothing, until the peer offers the next channel. */
  readonly hearsWithTheNext?: boolean;
  /** lightningd 26.06 now and then ends a negotiation before the `error` with which it refuses has left: the LSP hears nothing. */
  readonly losesErrors?: boolean;
  close(): Promise<void>;
}

const TYPE = 37_913;
/** A refusal is on its way for milliseconds. */
const LOST_AFTER_MS = 3_000;
const LOST_MAX = 10;
const sleep = (ms: number): Promise<undefined> => new Promise((resolve) => setTimeout(() => resolve(undefined), ms));

/** What every adapter of a wallet's and an LSP's node must keep, whatever node is behind it. */
export function nodesKeepThePorts(name: string, setup: () => Promise<Pair>): void {
  describe(`${name} keeps the ports`, () => {
    let pair: Pair;
    beforeAll(async () => {
      pair = await setup();
      await pair.wallet.connect(parseUri(pair.lspUri));
    });
    afterAll(() => pair.close());

    const event = (key: string, tag: ChannelEvent['tag']) =>
      new Promise<ChannelEvent>((resolve) => {
        const stop = pair.lsp.onChannel((told) => {
          if (told.key !== key || told.tag !== tag) return;
          stop();
          resolve(told);
        });
      });
    /** How the LSP hears of a refusal; where the node may lose its own words, one of several is enough. */
    async function refusal(key: string): Promise<ChannelEvent> {
      for (let i = 0; i < (pair.losesErrors ? LOST_MAX : 1); i++) {
        const mine = `${key}/${i}`;
        const refused = event(mine, 'refused');
        await pair.lsp.open({ key: mine, peer: pair.wallet.nodeId, capacity: wholeSat(200_000n) });
        const heard = await (pair.losesErrors ? Promise.race([refused, sleep(LOST_AFTER_MS)]) : refused);
        if (heard) return heard;
        await pair.lsp.abandon(mine);
        // An LSP that gives up what the node has forgotten is hung up on.
        await sleep(LOST_AFTER_MS / 3);
        await pair.wallet.connect(parseUri(pair.lspUri));
      }
      throw new Error(`${LOST_MAX} refusals were lost`);
    }
    const guard = (answer: ChannelAnswer, more: Partial<Gates> = {}) => {
      const offers: ChannelOffer[] = [];
      const gates: Gates = {
        channelOffered: async (offer) => {
          offers.push(offer);
          return answer;
        },
        channelGone: async () => undefined,
        channelReady: async () => undefined,
        channelClosed: async () => undefined,
        partsHeld: async () => undefined,
        partsGone: async () => undefined,
        partsArrived: async () => 'fail',
        partsClaimed: async () => undefined,
        ...more,
      };
      return { offers, stop: pair.wallet.guard(gates) };
    };

    test('PeerMessages: large messages arrive whole, both ways, and in order', async () => {
      const { wallet, lsp } = pair;
      const seen: number[] = [];
      const done = new Promise<void>((resolve) => {
        lsp.onMessage((from, type, payload) => {
          expect([from, type]).toEqual([wallet.nodeId, TYPE]);
          seen.push(payload.length);
          void lsp.send(from, TYPE, payload);
        });
        wallet.onMessage((from, _, payload) => {
          expect(from).toBe(lsp.nodeId);
          expect(payload.every((byte) => byte === payload.length % 251)).toBe(true);
          if (payload.length === 3) resolve();
        });
      });
      for (const length of [65_533, 1, 0, 40_000, 3]) {
        await wallet.send(lsp.nodeId, TYPE, new Uint8Array(length).fill(length % 251));
      }
      await done;
      expect(seen).toEqual([65_533, 1, 0, 40_000, 3]);
    });

    test('PeerMessages: who is not there cannot be written to', async () => {
      const nobody = `02${'77'.repeat(32)}` as NodeId;
      expect(pair.wallet.isConnected(nobody)).toBe(false);
      await expect(pair.wallet.send(nobody, TYPE, new Uint8Array(1))).rejects.toBeInstanceOf(TransportError);
      await expect(pair.wallet.connect({ nodeId: nobody, host: '127.0.0.1', port: 1 })).rejects.toBeInstanceOf(
        TransportError,
      );
    });

    test('Invoices: payments are new each time, and signed with the key of the node', async () => {
      const { wallet } = pair;
      const ask = { amount: sat(1_000n), expirySeconds: 60, minFinalCltvExpiryDelta: wallet.minFinalCltvExpiryDelta };
      const [first, second] = [await wallet.newPayment(ask), await wallet.newPayment(ask)];
      expect(first.paymentHash).not.toBe(second.paymentHash);
      const terms = {
        ...first,
        network: wallet.network,
        amount: ask.amount,
        timestamp: 1_800_000_000,
        description: 'x',
      };
      const { text } = await signInvoice(
        { ...terms, expirySeconds: 60, minFinalCltvExpiryDelta: 26, routeHints: [], features: [8, 14] },
        (unsigned) => wallet.sign(unsigned),
      );
      expect(decodeInvoice(text)).toMatchObject({ payee: wallet.phantom?.nodeId ?? wallet.nodeId, ...first });
    });

    test('Htlcs: short channel ids are many', () => {
      const ids = new Set(Array.from({ length: 20 }, () => pair.lsp.newScid()));
      expect(ids.size).toBeGreaterThan(15);
    });

    test('Gates: without them the wallet lets no channel in', async () => {
      expect(await refusal('k0')).toMatchObject({ words: expect.stringContaining('no channel was bought') });
    });

    test('Gates: a refusal reaches the LSP in our words; the offer says what was offered', async () => {
      const { offers, stop } = guard({ accept: false, code: 'not_bought', message: 'not today' });
      // Some nodes put a word of their own before it.
      expect(await refusal('k1')).toMatchObject({ words: expect.stringMatching(/not today$/) });
      expect(offers[0]).toMatchObject({
        peer: pair.lsp.nodeId,
        capacity: 200_000n,
        push: 0n,
        announced: false,
        scidAlias: true,
      });
      stop();
    });

    test('Channels: accepted, funded, ready; nothing goes out before broadcast, and broadcasting again does no harm', async () => {
      const ready: ReadyChannel[] = [];
      const gone: string[] = [];
      const { stop } = guard(
        { accept: true, minimumDepth: 0 },
        {
          channelReady: async (channel) => void ready.push(channel),
          channelGone: async (offerId) => void gone.push(offerId),
        },
      );
      const told = (['accepted', 'funded', 'ready'] as const).map((tag) => event('k2', tag));
      await pair.lsp.open({ key: 'k2', peer: pair.wallet.nodeId, capacity: wholeSat(200_000n) });
      await expect(pair.lsp.broadcast('k-none')).rejects.toThrow();
      const accepted = await told[0]!;
      expect(accepted).toMatchObject({ limits: { minimumDepth: 0, toSelfDelayBlocks: expect.any(Number) } });
      if (accepted.tag === 'accepted') expect(accepted.limits.sendable).toBeGreaterThan(150_000_000n);
      await pair.lsp.fund('k2');
      await pair.lsp.fund('k2');
      const funded = await told[1]!;
      expect(await told[2]!).toMatchObject({ tag: 'ready' });
      const txid = await pair.lsp.broadcast('k2');
      expect(funded).toMatchObject({ fundingTxid: txid });
      expect(await pair.lsp.broadcast('k2')).toBe(txid);
      await until(() => ready.length === 1, 'the wallet to hear that the channel is ready');
      // What pays for it is named as the chain will know it.
      if (pair.wallet.namesFunding === false) expect(ready[0]!.funding).toBeUndefined();
      else expect(ready[0]!.funding).toMatchObject({ txid, value: 200_000n, script: expect.stringMatching(/^0020/) });
      expect(await pair.wallet.channels()).toContainEqual(
        expect.objectContaining({ channelId: ready[0]!.channelId, peer: pair.lsp.nodeId, usable: true }),
      );
      // A client that starts hears again of what it may have missed.
      await pair.wallet.resume({
        offers: [ready[0]!.offerId, 'ab'].map((offerId) => ({ offerId, paid: true })),
        claiming: [],
      });
      await until(() => ready.length === 2 && gone.length === 1, 'the wallet to hear it once more');
      expect(ready[1]).toEqual(ready[0]);
      expect(gone).toEqual(['ab']);
      stop();
    });

    test('Invoices: a payment for a given hash, and one without an amount', async () => {
      const { wallet } = pair;
      const ask = { expirySeconds: 60, minFinalCltvExpiryDelta: wallet.minFinalCltvExpiryDelta };
      const hash = paymentHash('5a'.repeat(32));
      expect(await wallet.newPayment({ ...ask, amount: undefined, paymentHash: hash })).toMatchObject({
        paymentHash: hash,
        paymentSecret: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      expect(await wallet.newPayment({ ...ask, amount: undefined })).toMatchObject({
        paymentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
    });

    test('Channels: what is abandoned is gone, and the wallet hears of it', async () => {
      const gone = new Promise<void>((resolve) => {
        guard({ accept: true, minimumDepth: 0 }, { channelGone: async () => resolve() });
      });
      const accepted = event('k3', 'accepted');
      await pair.lsp.open({ key: 'k3', peer: pair.wallet.nodeId, capacity: wholeSat(200_000n) });
      await accepted;
      await pair.lsp.abandon('k3');
      if (pair.hearsWithTheNext) {
        await pair.lsp.open({ key: 'k4', peer: pair.wallet.nodeId, capacity: wholeSat(200_000n) });
        await gone;
        await pair.lsp.abandon('k4');
      }
      await gone;
      await pair.lsp.abandon('k3');
      await expect(pair.lsp.broadcast('k3')).rejects.toThrow();
    });

    test('Htlcs: parts that are not there cannot be forwarded, and failing them does no harm', async () => {
      const { lsp, wallet } = pair;
      const channelId = 'ee'.repeat(32) as never;
      await expect(lsp.forward({ id: 'none', channelId, peer: wallet.nodeId, amount: sat(1n) })).rejects.toThrow();
      await lsp.fail('none', 'unknown_next_peer');
    });
  });
}
