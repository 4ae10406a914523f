import {
  type Client,
  client,
  type ClientInit,
  decodeInvoice,
  type Msat,
  msat,
  type Purchase,
  sat,
  type Store,
} from 'lsps2';
import { type FlatRate, flatRate, lsp } from 'lsps2/lsp';
import { memoryLightning, memoryStore } from 'lsps2/memory';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../lib/core/bytes.ts';
import { hashOf } from '../../lib/protocol/bolt11/preimage.ts';
import { manualClock, settled } from '../manualClock.ts';

const AMOUNT = sat(100_000n);
const FEE = sat(1_000n);

type Tricks = NonNullable<Parameters<typeof memoryLightning>[0]>['tricks'];

async function world(
  o: { readonly rate?: FlatRate; readonly init?: Partial<ClientInit>; readonly tricks?: Tricks; store?: Store } = {},
) {
  const net = memoryLightning(o.tricks ? { tricks: o.tricks } : {});
  const clock = manualClock();
  const service = await lsp({ node: net.lsp, store: memoryStore(), policy: flatRate(o.rate), clock });
  const store = o.store ?? memoryStore();
  const init: ClientInit = {
    node: net.wallet,
    store,
    lsps: [net.lspUri],
    limits: { maxFee: sat(2_000n) },
    clock,
    ...o.init,
  };
  return { net, clock, service, store, init, jit: await client(init) };
}

async function buy(jit: Client, fields = {}): Promise<Purchase> {
  const { best } = await jit.quotes({ amount: AMOUNT });
  return jit.buy(best!, { description: 'tea', ...fields });
}
async function buyAny(jit: Client): Promise<Purchase> {
  const { best, all } = await jit.quotes({ amount: 'any' });
  if (!best) throw new AggregateError(all);
  return jit.buy(best, { description: 'tip jar' });
}
const newPreimage = () => toHex(crypto.getRandomValues(new Uint8Array(32)));

describe('a variable amount', () => {
  // 1 % and at least 1,000 sat: the two meet at 100,000 sat.
  const rate: FlatRate = { minFee: FEE, proportionalPpm: 10_000, minPaymentSize: sat(2_000n) };
  const CROSS = 100_000_000n;

  test('the invoice has no amount and allows no parts', async () => {
    const { jit } = await world({ rate });
    const purchase = await buyAny(jit);
    const invoice = decodeInvoice(purchase.invoice);
    expect(invoice).toMatchObject({ features: [8, 14] });
    expect(invoice.amount).toBeUndefined();
    expect(purchase).toMatchObject({ paymentSize: undefined, openingFee: undefined });
  });
  test.each<[string, bigint, bigint]>([
    ['the minimum', 2_000_000n, 1_000_000n],
    ['1 msat above it', 2_000_001n, 1_000_000n],
    ['1 msat below the crossover', CROSS - 1n, 1_000_000n],
    ['the crossover', CROSS, 1_000_000n],
    ['1 msat above it', CROSS + 1n, 1_000_001n],
    ['1 msat below the limit', 199_999_999n, 2_000_000n],
    ['the limit', 200_000_000n, 2_000_000n],
  ])('%s: %s msat cost %s', async (_, amount, fee) => {
    const { jit, net } = await world({ rate });
    const purchase = await buyAny(jit);
    expect(await net.pay(purchase.invoice, [msat(amount)])).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toEqual({ tag: 'paid', gross: amount, fee, received: amount - fee });
    expect(purchase.openingFee).toBe(fee);
  });
  test('what costs more than the limit is refused, and the payer has its money back', async () => {
    const { jit, net } = await world({ rate });
    const purchase = await buyAny(jit);
    expect(await net.pay(purchase.invoice, [msat(200_000_001n)])).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject({ tag: 'refused', reason: 'over_limit', gross: 200_000_001n });
  });
  test('1 msat more than the fee of this amount is refused', async () => {
    const tricks: Tricks = {
      part: (part) =>
        part.extraFee > 0n ? { ...part, amount: msat(part.amount - 1n), extraFee: msat(part.extraFee + 1n) } : part,
    };
    const { jit, net } = await world({ rate, tricks });
    const purchase = await buyAny(jit);
    expect(await net.pay(purchase.invoice, [msat(150_000_000n)])).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject({ tag: 'refused', reason: 'overcharged' });
  });
  test('a second payment bears no fee, however large it is', async () => {
    const { jit, net } = await world({ rate });
    const purchase = await buyAny(jit);
    await net.pay(purchase.invoice, [msat(50_000_000n)]);
    await purchase.outcome();
    expect(await net.pay(purchase.invoice, [msat(90_000_000n)])).toMatchObject({ paid: true });
    await settled();
    expect(purchase.state).toMatchObject({ tag: 'paid', fee: FEE, gross: 140_000_000n });
  });
});

describe('preimages of one’s own', () => {
  test('an own preimage: the payer gets it', async () => {
    const { jit, net } = await world();
    const preimage = newPreimage();
    const purchase = await buy(jit, { preimage });
    expect(purchase.paymentHash).toBe(hashOf(preimage));
    expect(await net.pay(purchase.invoice)).toEqual({ paid: true, preimage });
    await expect(buy(jit, { preimage })).rejects.toThrow('was used for another purchase');
  });
  test('a hold invoice is held until it is settled', async () => {
    const { jit, net } = await world();
    const preimage = newPreimage();
    const purchase = await buy(jit, { paymentHash: hashOf(preimage) });
    const paying = net.pay(purchase.invoice);
    await settled();
    const amounts = { gross: AMOUNT, fee: FEE, received: AMOUNT - FEE };
    expect(purchase.state).toEqual({ tag: 'held', until: 'preimage', ...amounts });
    await expect(purchase.settle('00'.repeat(32))).rejects.toThrow('not that of this purchase');
    await purchase.settle(preimage);
    expect(await paying).toEqual({ paid: true, preimage });
    expect(await purchase.outcome()).toEqual({ tag: 'paid', ...amounts });
    // Asked for once more, as after an answer that was lost.
    await purchase.settle(preimage);
  });
  test('a hold invoice that is cancelled gives the money back', async () => {
    const { jit, net } = await world();
    const purchase = await buy(jit, { paymentHash: hashOf('aa'.repeat(32)) });
    const paying = net.pay(purchase.invoice);
    await settled();
    await purchase.cancel();
    expect(await paying).toMatchObject({ paid: false });
    expect(purchase.state).toEqual({ tag: 'cancelled' });
  });
  test('when nothing comes of a purchase the node is told to forget its payment', async () => {
    const { net, init, jit: first } = await world();
    await first.close();
    const withdrawn: string[] = [];
    const made: string[] = [];
    const node: ClientInit['node'] = {
      ...net.wallet,
      async newPayment(o) {
        const payment = await net.wallet.newPayment(o);
        made.push(payment.paymentHash);
        return payment;
      },
      withdraw: async (hash) => void withdrawn.push(hash),
    };
    const unsigned = { ...node, sign: async () => Promise.reject(new Error('cannot sign')) };
    const store = memoryStore();
    const jit = await client({ ...init, store, node: unsigned });
    await expect(buy(jit)).rejects.toThrow('cannot sign');
    expect(withdrawn).toEqual(made);
    await jit.close();
    const full = { ...store, put: async () => Promise.reject(new Error('disk full')) };
    const next = await client({ ...init, store: full, node });
    await expect(buy(next)).rejects.toThrow('disk full');
    expect(withdrawn).toEqual(made);
    expect(made).toHaveLength(2);
  });
  test('a hold invoice survives its client: the next one settles it', async () => {
    const { jit, net, init } = await world();
    const preimage = newPreimage();
    const { invoice } = await buy(jit, { paymentHash: hashOf(preimage) });
    const paying = net.pay(invoice);
    await settled();
    await jit.close();
    const again = await client(init);
    const [purchase] = again.purchases();
    await settled();
    expect(purchase!.state).toMatchObject({ tag: 'held', until: 'preimage' });
    await purchase!.settle(preimage);
    expect(await paying).toEqual({ paid: true, preimage });
  });
  test('where the LSP wants the preimage at once, a hold invoice is refused before it exists', async () => {
    const { jit } = await world({ rate: { trust: 'client-trusts-lsp' } });
    await expect(buy(jit, { paymentHash: 'ab'.repeat(32) })).rejects.toMatchObject({ code: 'policy', limit: 'hold' });
    expect(jit.purchases()).toEqual([]);
  });
  test.each([
    [{ paymentHash: 'xy' }],
    [{ preimage: 'aa'.repeat(31) }],
    [{ paymentHash: 'aa'.repeat(32), preimage: 'aa'.repeat(32) }],
    [{ descriptionHash: 'aa'.repeat(32) }],
    [{ description: undefined }],
  ])('bad fields are refused before anything is bought: %o', async (fields) => {
    const { jit } = await world();
    await expect(buy(jit, fields)).rejects.toThrow(/preimage|paymentHash|description/);
  });
  test('a description may be given by its hash', async () => {
    const { jit } = await world();
    const descriptionHash = 'ab'.repeat(32);
    const { invoice } = await buy(jit, { description: undefined, descriptionHash });
    expect(decodeInvoice(invoice)).toMatchObject({ descriptionHash });
  });
});

describe('the life of a purchase', () => {
  test('a part that waits for the others is shown, and says until when to stay', async () => {
    const { jit, net, clock } = await world();
    const purchase = await buy(jit);
    const { expirySeconds, timestamp } = decodeInvoice(purchase.invoice);
    expect(purchase.keepOpenUntil).toBe(timestamp + expirySeconds + 120);
    const paying = net.pay(purchase.invoice, [msat(AMOUNT / 2n), msat(AMOUNT / 2n)]);
    const seen: string[] = [];
    jit.on('changed', ({ state }) => seen.push(state.tag));
    await paying;
    await settled();
    expect(seen).toEqual(['channelOpening', 'channelOpening', 'held', 'claiming', 'paid']);
    expect(purchase.keepOpenUntil).toBeUndefined();
    await clock.pass(1);
  });
  test('wake: connects, lets in, verifies, and is done when it is paid', async () => {
    const { jit, net, clock } = await world();
    const purchase = await buy(jit);
    net.cut();
    const paying = net.pay(purchase.invoice);
    await settled();
    const woken = jit.wake(30_000);
    await settled();
    expect((await woken).map(({ state }) => state.tag)).toEqual(['paid']);
    expect(await paying).toMatchObject({ paid: true });
    await clock.pass(1);
  });
  test('wake: ends with its budget, and is given up with its signal', async () => {
    const { jit, clock } = await world();
    expect(await jit.wake(1_000)).toEqual([]); // nothing is open
    await buy(jit);
    const woken = jit.wake(1_000);
    await clock.pass(1_001);
    expect(await woken).toEqual([]);
    const controller = new AbortController();
    const aborted = jit.wake(1_000, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(jit.wake(0)).rejects.toThrow(RangeError);
  });
  test('what is over is forgotten after 90 days, and its invoice bears no fee any more', async () => {
    const { jit, clock, store } = await world();
    const purchase = await buy(jit);
    await clock.pass(3_600_000 + 121_000);
    expect(purchase.state).toEqual({ tag: 'expired' });
    expect(await store.load()).toHaveLength(1);
    for (let day = 0; day < 92; day++) await clock.pass(86_400_000);
    expect(jit.purchases()).toEqual([]);
    expect(await store.load()).toEqual([]);
    expect(purchase.state).toEqual({ tag: 'expired' });
  });
  test('an ordinary invoice leads over the channel that was bought', async () => {
    const { jit, net } = await world();
    const purchase = await buy(jit);
    expect(await jit.receivable(sat(1n))).toMatchObject({ canReceive: 'nothing', why: 'no_channels' });
    await net.pay(purchase.invoice);
    await purchase.outcome();
    expect(await jit.receivable(sat(1n))).toMatchObject({ canReceive: 'all', why: 'enough' });
    const invoice = decodeInvoice(await jit.invoice({ amount: sat(1n), description: 'more' }));
    expect(invoice).toMatchObject({ amount: sat(1n), payee: net.wallet.nodeId });
    await expect(jit.invoice({ description: 'x', preimage: 'aa'.repeat(32) })).rejects.toThrow(RangeError);
  });
  test('many open purchases, paid in any order', async () => {
    const { jit, net } = await world();
    const bought: Purchase[] = [];
    for (let i = 0; i < 8; i++) bought.push(await buy(jit));
    for (const purchase of bought.reverse()) {
      expect(await net.pay(purchase.invoice)).toMatchObject({ paid: true });
      expect(await purchase.outcome()).toMatchObject({ tag: 'paid', fee: FEE });
    }
  });
  test('on a store that only reads nothing is promised', async () => {
    const { jit, init, store, net } = await world();
    await buy(jit);
    await jit.close();
    const reader = await client({ ...init, store: { ...store, readOnly: true } });
    expect(reader.purchases()).toHaveLength(1);
    await expect(buy(reader)).rejects.toMatchObject({ limit: 'readOnly' });
    await expect(reader.wake(1)).rejects.toMatchObject({ limit: 'readOnly' });
    // The node is not guarded by it.
    const writer = await client(init);
    expect(await net.pay(writer.purchases()[0]!.invoice)).toMatchObject({ paid: true });
  });
});

describe('trust, and the chain (W5)', () => {
  const careful = (net: ReturnType<typeof memoryLightning>) => ({ chain: net.chain });
  async function carefulWorld(o: Parameters<typeof world>[0] = {}, confirmations = 0) {
    const base = await world(o);
    await base.jit.close();
    const limits = { maxFee: sat(2_000n), confirmations };
    const jit = await client({ ...base.init, limits, ...careful(base.net) });
    return { ...base, jit };
  }

  test('without a chain nobody can see the mempool', async () => {
    const { init, jit } = await world();
    await jit.close();
    const limits = { maxFee: FEE, confirmations: 0 };
    await expect(client({ ...init, limits })).rejects.toMatchObject({ code: 'policy', limit: 'confirmations' });
    const node = { ...init.node, minimumDepthMax: 2 };
    await expect(client({ ...init, node, limits: { maxFee: FEE, confirmations: 3 } })).rejects.toMatchObject({
      limit: 'confirmations',
    });
  });
  test('0: the preimage waits for the funding output in the mempool', async () => {
    const { jit, net } = await carefulWorld();
    const purchase = await buy(jit);
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: true });
    expect(net.broadcasts()).toHaveLength(1);
  });
  test('0: an LSP that did not broadcast gets no preimage', async () => {
    const { jit, net, clock } = await carefulWorld({ tricks: { withholdFunding: true } });
    const purchase = await buy(jit);
    const paying = net.pay(purchase.invoice);
    await settled();
    expect(purchase.state).toMatchObject({ tag: 'held', until: 'funding' });
    await clock.pass(62_000);
    expect(await paying).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject({ tag: 'refused', reason: 'funding_not_seen' });
  });
  test.each([
    ['another script', (o: { script: string; value: Msat }) => ({ ...o, script: '0014aa' })],
    ['another value', (o: { script: string; value: Msat }) => ({ ...o, value: o.value - 1n })],
  ])('0: %s is not the channel', async (_, funding) => {
    const { jit, net } = await carefulWorld({ tricks: { funding: funding as never } });
    const purchase = await buy(jit);
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject({ tag: 'refused', reason: 'funding_wrong' });
  });
  test('2: the channel opens with this depth, and the payer waits for two blocks', async () => {
    const { jit, net } = await carefulWorld({}, 2);
    const purchase = await buy(jit);
    expect(decodeInvoice(purchase.invoice).minFinalCltvExpiryDelta).toBe(24 + 2 + 2);
    const paying = net.pay(purchase.invoice);
    let paid = false;
    void paying.then(() => (paid = true));
    await settled();
    net.mine(1);
    await settled();
    expect(paid).toBe(false);
    net.mine(1);
    expect(await paying).toMatchObject({ paid: true });
  });
  test('client-trusts-LSP: the wallet claims at once, and says when the funding does not appear', async () => {
    const tricks = { withholdFunding: true };
    const { jit, net, clock } = await carefulWorld({ tricks, rate: { trust: 'client-trusts-lsp' } });
    const purchase = await buy(jit);
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toMatchObject({ tag: 'paid' });
    expect(purchase.alerts).toEqual([]);
    await clock.pass(631_000);
    expect(purchase.alerts).toEqual(['funding_not_seen']);
  });
  test('client-trusts-LSP: nothing is said when it does appear', async () => {
    const { jit, net, clock } = await carefulWorld({ rate: { trust: 'client-trusts-lsp' } });
    const purchase = await buy(jit);
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: true });
    await purchase.outcome();
    await clock.pass(700_000);
    expect(purchase.alerts).toEqual([]);
  });
  test('another payment over a channel that is not to be seen gets no preimage either', async () => {
    const tricks = { withholdFunding: true };
    const { jit, net, clock } = await carefulWorld({ tricks });
    const [first, second] = [await buy(jit), await buy(jit)];
    const paying = [net.pay(first.invoice), net.pay(second.invoice)];
    await clock.pass(130_000);
    for (const each of await Promise.all(paying)) expect(each).toMatchObject({ paid: false });
  });
});

describe('what a node that shows single parts must see', () => {
  test.each<[string, Tricks]>([
    ['a TLV that is missing', { part: (part) => ({ ...part, extraFee: msat(0n) }) }],
    ['a TLV of another number', { part: (part) => (part.extraFee > 0n ? { ...part, extraFee: msat(1n) } : part) }],
    ['a part that is too small for its onion', { part: (part) => ({ ...part, amount: msat(part.amount - 1n) }) }],
  ])('%s is refused, and the payer has its money back', async (_, tricks) => {
    const { jit, net } = await world({ tricks });
    const purchase = await buy(jit);
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject({ tag: 'refused', what: 'payment' });
  });
  test.each<[string, Tricks]>([
    ['public_channel', { offer: (offer) => ({ ...offer, announced: true }) }],
    ['no_scid_alias', { offer: (offer) => ({ ...offer, scidAlias: false }) }],
    ['pushed_amount', { offer: (offer) => ({ ...offer, push: msat(1n) }) }],
    ['channel_too_small', { offer: (offer) => ({ ...offer, capacity: 98_999n as typeof offer.capacity }) }],
    ['to_self_delay_too_long', { offer: (offer) => ({ ...offer, toSelfDelayBlocks: 2017 }) }],
  ])('a channel that was not sold: %s', async (reason, tricks) => {
    const { jit, net } = await world({ tricks });
    const purchase = await buy(jit);
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject({ tag: 'refused', what: 'channel', reason });
  });
});

describe('an LSP that closes', () => {
  test('before min_lifetime: the user is told', async () => {
    const { jit, net } = await world({ rate: { minLifetimeBlocks: 100 } });
    const keys: string[] = [];
    net.lsp.onChannel(({ key }) => keys.push(key));
    const purchase = await buy(jit);
    await net.pay(purchase.invoice);
    await purchase.outcome();
    net.mine(50);
    await net.lsp.close(keys[0]!);
    await settled();
    expect(purchase.alerts).toEqual(['closed_early']);
  });
});
