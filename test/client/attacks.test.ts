import {
  type ArrivedPart,
  type ChainView,
  type ChannelId,
  client,
  type Funding,
  msat,
  type PartSet,
  type PaymentHash,
  sat,
} from 'lsps2';
import { lsp } from 'lsps2/lsp';
import { memoryLightning, memoryStore } from 'lsps2/memory';
import { describe, expect, test } from 'vitest';
import { aftercare } from '../../lib/client/aftercare.ts';
import { openBook } from '../../lib/client/book.ts';
import { watchExpiry } from '../../lib/client/expiry.ts';
import { gatekeeper } from '../../lib/client/gatekeeper.ts';
import type { PurchaseRecord } from '../../lib/client/record.ts';
import {
  CHANNEL as C1,
  CHANNEL2 as C2,
  FEE,
  HASH as A,
  HASH2 as B,
  LSP as L1,
  offer,
  OTHER as L2,
  record,
  set,
  SIZE,
} from './samples.ts';
import { wholeSat } from '../../lib/core/amount.ts';
import { txid } from '../../lib/core/ids.ts';
import { hashOf } from '../../lib/protocol/bolt11/preimage.ts';
import { manualClock, settled } from '../manualClock.ts';

// Ways that a hostile review found to a preimage without a channel, or to a purchase without an end. Each was seen to work once.

const X = 'ee'.repeat(32) as PaymentHash;
const NOTHING: ChainView = { output: async () => undefined };
const whole = (change: Partial<PartSet>) => set({ received: SIZE, extraFee: msat(0n), ...change });
const funding: Funding = { txid: txid('01'.repeat(32)), vout: 0, script: '0020ab', value: wholeSat(150_000n) };
const seen = (confirmations: number): ChainView => ({ output: async () => ({ ...funding, confirmations }) });

async function open(chain: ChainView | undefined, ...records: PurchaseRecord[]) {
  const clock = manualClock(0);
  const book = await openBook(memoryStore(), () => undefined);
  for (const each of records) await book.add(each);
  const log = () => undefined;
  const make = () => gatekeeper({ book, limits: { maxFee: FEE }, chain, clock, log, refused: () => undefined });
  const gates = make();
  const letIn = async (offerId: string, channelId: ChannelId, peer = L1) => {
    expect(await gates.channelOffered(offer({ offerId, peer }))).toMatchObject({ accept: true });
    await gates.channelReady({ offerId, channelId, funding });
  };
  /** The answer of a gate that thinks for long. */
  const asked = (given: PartSet) => {
    const answer: { now?: unknown } = {};
    void gates.partsArrived(given).then((said) => (answer.now = said));
    return answer;
  };
  return { clock, book, gates, make, letIn, asked, log };
}

describe('to a preimage without a channel (W5)', () => {
  test('the LSP closes the channel while its funding is looked for', async () => {
    const { gates, letIn, asked, clock } = await open(NOTHING, record(A, { confirmations: 0 }));
    await letIn('o1', C1);
    const answer = asked(set());
    await settled();
    await gates.channelClosed({ offerId: 'o1', byPeer: true, ageBlocks: 0 });
    await clock.pass(70_000);
    expect(answer.now).toBe('fail');
  });
  test('the LSP closes the channel before the payment is judged', async () => {
    for (const end of ['closed', 'gone'] as const) {
      const { gates, letIn, book } = await open(NOTHING, record(A, { confirmations: 0 }));
      await letIn('o1', C1);
      if (end === 'closed') await gates.channelClosed({ offerId: 'o1', byPeer: true, ageBlocks: 0 });
      else await gates.channelGone('o1');
      const channels = [{ channelId: C1, peer: L1 }];
      expect(await gates.partsArrived(whole({ channels }))).toBe('fail');
      expect(await gates.partsArrived(set())).toBe('fail');
      expect(book.of(A)!.state).toMatchObject({ tag: 'refused', reason: 'funding_not_seen' });
      // What comes over another channel is not its business.
      const elsewhere = whole({ channelId: C2, channels: [{ channelId: C2, peer: L2 }] });
      expect(await gates.partsArrived(elsewhere)).toBe('claim');
    }
  });
  test('its place is swapped with that of another purchase meanwhile', async () => {
    const small = { paymentSize: sat(1_000n), openingFee: msat(10n), trust: 'client-trusts-lsp' as const };
    const { letIn, asked, clock, gates } = await open(NOTHING, record(A, { confirmations: 0 }), record(B, small));
    await letIn('o1', C1);
    const answer = asked(set());
    await settled();
    // The other one is not paid over it either: it is not to be seen.
    const other = asked(set({ paymentHash: B, received: sat(1_000n), extraFee: msat(0n) }));
    await clock.pass(140_000);
    expect([answer.now, other.now]).toEqual(['fail', 'fail']);
    expect(await gates.channelOffered(offer({ offerId: 'o2' }))).toMatchObject({ accept: true });
  });
  test('a part by another peer hides it from a node that names one channel', async () => {
    const { letIn, asked, clock } = await open(NOTHING, record(A, { confirmations: 0 }));
    await letIn('o1', C1);
    const answer = asked(whole({ peer: L2, channelId: C2 }));
    await clock.pass(70_000);
    expect(answer.now).toBe('fail');
  });
  test('a node that names all channels is believed', async () => {
    const { letIn, gates } = await open(NOTHING, record(A, { confirmations: 0 }));
    await letIn('o1', C1);
    const elsewhere = whole({ peer: L2, channelId: C2, channels: [{ channelId: C2, peer: L2 }] });
    expect(await gates.partsArrived(elsewhere)).toBe('claim');
  });
  test('a fee over channels of several peers is nobody’s', async () => {
    const { gates } = await open(undefined, record(A));
    const channels = [C1, C2].map((channelId, index) => ({ channelId, peer: index === 0 ? L1 : L2 }));
    expect(await gates.partsArrived(set({ channels }))).toBe('fail');
    expect(await gates.partsArrived(set({ channels: channels.slice(0, 1) }))).toBe('claim');
  });
  test('what was bought under client-trusts-LSP from one is paid over the unseen channel of another', async () => {
    const trusting = record(A, { trust: 'client-trusts-lsp', confirmations: 0 });
    const { letIn, asked, clock, book } = await open(NOTHING, trusting, record(B, { lsp: L2, confirmations: 0 }));
    await letIn('o2', C2, L2);
    const answer = asked(whole({ peer: L2, channelId: C2, channels: [{ channelId: C2, peer: L2 }] }));
    await clock.pass(70_000);
    expect(answer.now).toBe('fail');
    expect(book.of(B)!.letIn?.offerId).toBe('o2');
  });
  test('the channel was let in before the user became careful', async () => {
    const { letIn, asked, clock } = await open(NOTHING, record(A), record(B, { confirmations: 0 }));
    await letIn('o1', C1);
    const answer = asked(set({ paymentHash: B }));
    await clock.pass(70_000);
    expect(answer.now).toBe('fail');
  });
  test('a look at the mempool does not stand for three blocks', async () => {
    const paid = record(A, { trust: 'client-trusts-lsp', confirmations: 3 });
    const { letIn, gates, asked, clock, book, log } = await open(seen(0), paid, record(B, { confirmations: 3 }));
    await letIn('o1', C1);
    expect(await gates.partsArrived(set())).toBe('claim');
    await gates.partsClaimed({ paymentHash: A, received: SIZE });
    const care = aftercare({ book, chain: seen(0), clock, log });
    await clock.pass(31_000);
    const answer = asked(set({ paymentHash: B }));
    await clock.pass(70_000);
    expect(answer.now).toBe('fail');
    care.stop();
  });
  test('no client guards: a payment of a purchase waits for the next one', async () => {
    let honest = false;
    const tricks = {
      part: (part: ArrivedPart) => (honest ? part : { ...part, amount: msat(part.amount - 1n) }),
    };
    const net = memoryLightning({ tricks });
    await lsp({ node: net.lsp, store: memoryStore() });
    const init = { node: net.wallet, store: memoryStore(), lsps: [net.lspUri], limits: { maxFee: sat(5_000n) } };
    const first = await client(init);
    const { best } = await first.quotes({ amount: SIZE });
    const { invoice } = await first.buy(best!, { description: 'x' });
    expect(await net.pay(invoice)).toMatchObject({ paid: false });
    await first.close();
    honest = true;
    const paying = net.pay(invoice);
    let ended = false;
    void paying.then(() => (ended = true));
    await settled();
    expect(ended).toBe(false);
    const second = await client(init);
    expect(await paying).toMatchObject({ paid: true });
    expect(await second.purchases()[0]!.outcome()).toMatchObject({ tag: 'paid', fee: FEE });
  });
});

describe('to a purchase without an end', () => {
  test('a channel that was paid for blocks no later payment', async () => {
    const { letIn, gates } = await open(undefined, record(A, { trust: 'client-trusts-lsp', confirmations: 2 }));
    await letIn('o1', C1);
    expect(await gates.partsArrived(set())).toBe('claim');
    await gates.partsClaimed({ paymentHash: A, received: SIZE });
    expect(await gates.partsArrived(set({ paymentHash: X, received: sat(5n), extraFee: msat(0n) }))).toBe('claim');
    await gates.channelClosed({ offerId: 'o1', byPeer: true, ageBlocks: 9_999 });
    expect(await gates.partsArrived(set({ paymentHash: X, received: sat(5n), extraFee: msat(0n) }))).toBe('claim');
  });
  test('what was counted and given back is not counted: the retry is paid', async () => {
    const { gates, book } = await open(undefined, record(A));
    expect(await gates.partsArrived(set())).toBe('claim');
    expect(book.of(A)).toMatchObject({ feePaid: FEE, state: { tag: 'claiming', fee: FEE } });
    await gates.partsGone({ paymentHash: A, received: msat(SIZE - FEE), extraFee: FEE });
    expect(book.of(A)).toMatchObject({ feePaid: 0n, received: 0n, state: { tag: 'waiting' } });
    expect(await gates.partsArrived(set())).toBe('claim');
  });
  test('a variable amount, too: the fee is that of the retry', async () => {
    const rate = { minFee: FEE, proportionalPpm: 0, minPaymentSize: sat(2_000n), maxPaymentSize: SIZE };
    const { gates, book } = await open(undefined, record(A, { paymentSize: undefined, openingFee: undefined, rate }));
    expect(await gates.partsArrived(set())).toBe('claim');
    await gates.partsGone({ paymentHash: A, received: msat(SIZE - FEE), extraFee: FEE });
    expect(book.of(A)).toMatchObject({ feePaid: 0n, openingFee: undefined });
  });
  test('what was held in time is not late after a restart; what comes late ends as expired', async () => {
    const { gates, make, clock, book } = await open(undefined, record(A, { own: {} }));
    void gates.partsArrived(set());
    await settled();
    expect(book.of(A)!.state).toMatchObject({ tag: 'held', until: 'preimage' });
    await clock.pass(5_000_000);
    void make().partsArrived(set()); // a new client
    await settled();
    expect(book.of(A)!.state).toMatchObject({ tag: 'held', until: 'preimage' });
    await gates.partsGone({ paymentHash: A, received: msat(SIZE - FEE), extraFee: FEE });
    expect(await gates.partsArrived(set())).toBe('fail');
    expect(book.of(A)!.state).toEqual({ tag: 'expired' });
  });
  test('a payment that its node gave back while it was held ends the wait', async () => {
    const { gates, asked, book } = await open(undefined, record(A, { own: {} }));
    const answer = asked(set());
    await settled();
    await gates.partsGone({ paymentHash: A, received: msat(SIZE - FEE), extraFee: FEE });
    await settled();
    expect(answer.now).toBe('fail');
    expect(book.of(A)).toMatchObject({ feePaid: 0n, state: { tag: 'waiting' } });
  });
  test('of two payments with one hash the one that was given back is not counted, and the other is judged by itself', async () => {
    const { gates, asked, book } = await open(undefined, record(A, { own: {} }));
    const first = asked(set());
    await settled();
    await gates.partsGone({ paymentHash: A, received: msat(SIZE - FEE), extraFee: FEE });
    const second = asked(set({ received: msat(1n), extraFee: msat(SIZE - 1n) }));
    const third = asked(set({ received: SIZE, extraFee: msat(0n) }));
    await settled();
    await book.turn(() => ({ records: [{ ...book.of(A)!, own: { preimage: 'ab' } }], result: undefined }));
    await settled();
    expect([first.now, second.now, third.now]).toEqual(['fail', 'fail', { preimage: 'ab' }]);
    expect(book.of(A)).toMatchObject({ feePaid: 0n, received: SIZE, state: { tag: 'claiming' } });
  });
  test('parts that never were a set uncount nothing; after a restart the node may say that nothing of a payment is left', async () => {
    const { gates, make, book } = await open(undefined, record(A));
    expect(await gates.partsArrived(set())).toBe('claim');
    await gates.partsGone({ paymentHash: A });
    expect(book.of(A)).toMatchObject({ feePaid: FEE, state: { tag: 'claiming' } });
    const next = make();
    await next.partsGone({ paymentHash: A });
    expect(book.of(A)).toMatchObject({ feePaid: 0n, state: { tag: 'waiting' } });
  });
  test('what is not counted is not uncounted', async () => {
    const { gates, book } = await open(undefined, record(A));
    expect(await gates.partsArrived(set())).toBe('claim');
    // Another one of the same hash, larger than what is on its way, was given back; the first is being claimed.
    await gates.partsGone({ paymentHash: A, received: msat(2n * SIZE), extraFee: msat(0n) });
    expect(book.of(A)).toMatchObject({ feePaid: FEE, state: { tag: 'claiming' } });
  });
  test('a purchase that comes to rest after its end expires', async () => {
    const { gates, clock, book, log } = await open(undefined, record(A, { own: {} }));
    void gates.partsArrived(set());
    await settled();
    const expiry = watchExpiry(book, clock, log);
    await clock.pass(5_000_000);
    expect(book.of(A)!.state.tag).toBe('held');
    await gates.partsGone({ paymentHash: A, received: msat(SIZE - FEE), extraFee: FEE });
    expiry.arm(); // as a client does with each change
    await clock.pass(10);
    expect(book.of(A)!.state).toEqual({ tag: 'expired' });
    expiry.stop();
  });
  test('an alert is no word of a chain that cannot be asked, and is taken back when the funding is there', async () => {
    const paid = { confirmations: 0, trust: 'client-trusts-lsp' as const };
    const broken: ChainView = { output: () => Promise.reject(new Error('offline')) };
    const { gates, letIn, book, clock, log } = await open(broken, record(A, paid));
    await letIn('o1', C1);
    await gates.partsArrived(set());
    await gates.partsClaimed({ paymentHash: A, received: SIZE });
    const offline = aftercare({ book, chain: broken, clock, log });
    await clock.pass(900_000);
    offline.stop();
    expect(book.of(A)!.alerts).toBeUndefined();
    const missing = aftercare({ book, chain: NOTHING, clock, log });
    await clock.pass(31_000);
    missing.stop();
    expect(book.of(A)!.alerts).toEqual(['funding_not_seen']);
    const found = aftercare({ book, chain: seen(1), clock, log });
    await clock.pass(31_000);
    found.stop();
    expect(book.of(A)!.alerts).toBeUndefined();
  });
  test('a client that cannot start leaves the node to the next', async () => {
    const net = memoryLightning();
    const init = { node: net.wallet, store: memoryStore(), lsps: [net.lspUri], limits: { maxFee: FEE } };
    const broken = { ...net.wallet, resume: () => Promise.reject(new Error('full')) };
    await expect(client({ ...init, node: broken })).rejects.toThrow('full');
    await (await client(init)).close();
  });
  test('one preimage serves one purchase, also when two are bought at once; a settle that does nothing says so', async () => {
    const net = memoryLightning();
    await lsp({ node: net.lsp, store: memoryStore() });
    const limits = { maxFee: sat(5_000n) };
    const jit = await client({ node: net.wallet, store: memoryStore(), lsps: [net.lspUri], limits });
    const { best } = await jit.quotes({ amount: SIZE });
    const preimage = 'ab'.repeat(32);
    const both = await Promise.allSettled([1, 2].map(() => jit.buy(best!, { description: 'x', preimage })));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const held = await jit.buy(best!, { description: 'x', paymentHash: hashOf('cd'.repeat(32)) });
    await held.cancel();
    await expect(held.settle('cd'.repeat(32))).rejects.toThrow('over');
  });
});
