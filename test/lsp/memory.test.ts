import { type Client, client, msat, type Purchase, sat } from 'lsps2';
import { type FlatRate, flatRate, type Lsp, type LspEvents, lsp } from 'lsps2/lsp';
import { type MemoryLightning, memoryLightning, memoryStore } from 'lsps2/memory';
import { describe, expect, test } from 'vitest';
import { type ManualClock, manualClock, settled } from '../manualClock.ts';

// Whole payments in memory, with hands on the clock: what the LSP and the wallet do when things go wrong.

const AMOUNT = sat(100_000n);
const FEE = sat(1_000n);

interface World {
  net: MemoryLightning;
  clock: ManualClock;
  service: Lsp;
  jit: Client;
  purchase: Purchase;
  told: { event: string; [field: string]: unknown }[];
  of(event: string): { event: string; [field: string]: unknown }[];
}

const EVENTS: readonly (keyof LspEvents)[] = [
  'partHeld',
  'clientAway',
  'channelOpening',
  'channelFunded',
  'fundingBroadcast',
  'partForwarded',
  'partSettled',
  'partFailed',
  'ended',
  'trouble',
];

async function world(rate: FlatRate = {}, net = memoryLightning()): Promise<World> {
  const clock = manualClock();
  const service = await lsp({ node: net.lsp, store: memoryStore(), policy: flatRate(rate), clock });
  const told: World['told'] = [];
  for (const event of EVENTS) service.on(event, (fields) => told.push({ event, ...fields }));
  const jit = await client({
    node: net.wallet,
    store: memoryStore(),
    lsps: [net.lspUri],
    limits: { maxFee: sat(2_000n) },
    clock,
  });
  const { best, all } = await jit.quotes({ amount: AMOUNT });
  if (!best) throw new AggregateError(all, 'no quote');
  expect(best.openingFee).toBe(FEE);
  const purchase = await jit.buy(best, { description: 'memory' });
  return { net, clock, service, jit, purchase, told, of: (event) => told.filter((each) => each.event === event) };
}

const half = msat(AMOUNT / 2n);
const PAID = { tag: 'paid', gross: AMOUNT, fee: FEE, received: AMOUNT - FEE };

describe.each(['lsp-trusts-client', 'client-trusts-lsp'] as const)('in memory, %s', (trust) => {
  test.each([[[AMOUNT]], [[half, half]], [[msat(1_000n), msat(AMOUNT - 1_000n)]]])(
    'parts of %s are paid',
    async (amounts) => {
      const { net, purchase, of, service } = await world({ trust });
      expect(await net.pay(purchase.invoice, amounts)).toMatchObject({ paid: true });
      expect(await purchase.outcome()).toEqual(PAID);
      await settled();
      expect(of('ended')).toMatchObject([{ how: 'succeeded' }]);
      expect(of('trouble')).toEqual([]);
      expect(net.broadcasts()).toHaveLength(1);
      expect(service.purchases()[0]).toMatchObject({ feeSettled: FEE, openAttempts: 1, sessions: {} });
    },
  );

  test('an incomplete set is failed after 90 s with temporary_channel_failure, and the next payment works', async () => {
    const { net, purchase, clock, of } = await world({ trust });
    const first = net.pay(purchase.invoice, [half]);
    await clock.pass(89_000);
    expect(of('partFailed')).toEqual([]);
    await clock.pass(2_000);
    expect(await first).toEqual({ paid: false, failureCode: 'temporary_channel_failure' });
    expect(net.broadcasts()).toEqual([]);
    expect(await net.pay(purchase.invoice, [half, half])).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toEqual(PAID);
  });

  test('parts that are held when valid_until passes are failed with unknown_next_peer', async () => {
    const { net, purchase, clock } = await world({ trust, validSeconds: 700 });
    await clock.pass(650_000);
    const late = net.pay(purchase.invoice, [half]);
    await clock.pass(49_000);
    expect(purchase.state.tag).toBe('waiting');
    await clock.pass(2_000);
    expect(await late).toEqual({ paid: false, failureCode: 'unknown_next_peer' });
    await clock.pass(200_000);
    expect(purchase.state.tag).toBe('expired');
    expect(await net.pay(purchase.invoice)).toEqual({ paid: false, failureCode: 'unknown_next_peer' });
  });

  test('a client that is away is waited for, and paid when it comes back', async () => {
    const { net, purchase, clock, of } = await world({ trust });
    net.cut();
    const paying = net.pay(purchase.invoice, [half, half]);
    await clock.pass(60_000);
    expect(of('clientAway')).toHaveLength(1);
    expect(of('channelOpening')).toEqual([]);
    net.mend();
    expect(await paying).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toEqual(PAID);
  });

  test('a client that stays away costs nobody anything', async () => {
    const { net, purchase, clock } = await world({ trust });
    net.cut();
    const paying = net.pay(purchase.invoice);
    await clock.pass(91_000);
    expect(await paying).toEqual({ paid: false, failureCode: 'temporary_channel_failure' });
    net.mend();
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toEqual(PAID);
  });

  test('blocks that eat the margin end the wait', async () => {
    const { net, purchase, clock } = await world({ trust });
    const paying = net.pay(purchase.invoice, [half]);
    await settled();
    // The invoice leaves 26 blocks for the client, the LSP forwards with no fewer than 18.
    net.mine(10);
    await clock.pass(1);
    expect(await paying).toEqual({ paid: false, failureCode: 'temporary_channel_failure' });
  });

  test('two halves of different payments open no channel', async () => {
    const { net, purchase, jit, clock, of } = await world({ trust });
    const { best } = await jit.quotes({ amount: AMOUNT });
    const other = await jit.buy(best!, { description: 'other' });
    const both = [net.pay(purchase.invoice, [half]), net.pay(other.invoice, [half])];
    await clock.pass(91_000);
    for (const each of await Promise.all(both)) expect(each).toMatchObject({ paid: false });
    expect(of('channelOpening')).toEqual([]);
  });

  test('two purchases at once get a channel and a fee each', async () => {
    const { net, purchase, jit } = await world({ trust });
    const { best } = await jit.quotes({ amount: AMOUNT });
    const other = await jit.buy(best!, { description: 'other' });
    const paid = await Promise.all([net.pay(purchase.invoice, [half, half]), net.pay(other.invoice)]);
    expect(paid).toMatchObject([{ paid: true }, { paid: true }]);
    expect(await purchase.outcome()).toEqual(PAID);
    expect(await other.outcome()).toEqual(PAID);
    await settled();
    expect(new Set(net.broadcasts()).size).toBe(2);
  });

  test('the same invoice paid twice carries one fee; the second passes untouched', async () => {
    const { net, purchase, service } = await world({ trust });
    await net.pay(purchase.invoice);
    await purchase.outcome();
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: true });
    await settled();
    expect(purchase.state).toEqual({ tag: 'paid', gross: 2n * AMOUNT, fee: FEE, received: 2n * AMOUNT - FEE });
    expect(service.purchases()[0]!.feeSettled).toBe(FEE);
    expect(net.broadcasts()).toHaveLength(1);
  });

  test('a part beyond twice the amount, or of dust, is failed alone', async () => {
    const { net, purchase } = await world({ trust });
    const paying = net.pay(purchase.invoice, [half, msat(3n * AMOUNT), msat(999n), half]);
    expect(await paying).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toEqual(PAID);
  });

  test('a cancelled purchase is not paid', async () => {
    const { net, purchase } = await world({ trust });
    await purchase.cancel();
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: false });
    expect(purchase.state.tag).toBe('cancelled');
  });
});

describe('a dishonest LSP', () => {
  const cheat = async (change: (amount: bigint) => bigint, rate: FlatRate = {}) => {
    const net = memoryLightning();
    const forward: typeof net.lsp.forward = (o) => net.lsp.forward({ ...o, amount: msat(change(o.amount)) });
    return world(rate, { ...net, lsp: { ...net.lsp, forward } });
  };

  test('keeps 1 msat too much: the payer has its money back', async () => {
    const { net, purchase } = await cheat((amount) => amount - 1n);
    expect(await net.pay(purchase.invoice)).toEqual({ paid: false, failureCode: 'client' });
    const kept = { gross: AMOUNT, fee: FEE + 1n, received: AMOUNT - FEE - 1n };
    expect(purchase.state).toEqual({ tag: 'refused', what: 'payment', reason: 'overcharged', ...kept });
  });

  test('keeps less than it might: the wallet does not mind', async () => {
    const { net, purchase } = await cheat((amount) => amount + 1n);
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toMatchObject({ received: AMOUNT - FEE + 1n, fee: FEE - 1n });
  });

  test('cannot take its fee once more from a second payment', async () => {
    const net = memoryLightning();
    const forward: typeof net.lsp.forward = (o) =>
      net.lsp.forward({ ...o, amount: o.amount === AMOUNT ? msat(AMOUNT - FEE) : o.amount });
    const { purchase } = await world({}, { ...net, lsp: { ...net.lsp, forward } });
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: true });
    await purchase.outcome();
    expect(await net.pay(purchase.invoice)).toEqual({ paid: false, failureCode: 'client' });
    expect(purchase.state).toEqual(PAID);
  });
});

test('L8: a part whose incoming amount is below its onion amount is failed at once, and no channel opens', async () => {
  const { net, purchase, of } = await world();
  const paying = net.pay(purchase.invoice, [AMOUNT], { incoming: msat(1_000n) });
  expect(await paying).toEqual({ paid: false, failureCode: 'unknown_next_peer' });
  expect(of('channelOpening')).toEqual([]);
  expect(await net.pay(purchase.invoice)).toMatchObject({ paid: true });
});

describe('L2: a node that fails to give a part back is asked again', () => {
  /** A node whose first answer to `fail` is an error, for each part. */
  const stubborn = (change: Partial<MemoryLightning['lsp']> = {}): MemoryLightning => {
    const net = memoryLightning();
    const asked = new Set<string>();
    const fail: typeof net.lsp.fail = async (id, reason) => {
      if (!asked.has(id)) {
        asked.add(id);
        throw new Error('the node is busy');
      }
      await net.lsp.fail(id, reason);
    };
    return { ...net, lsp: { ...net.lsp, fail, ...change } };
  };

  test('a part that it would not forward', async () => {
    const forward = async () => {
      throw new Error('the channel is not usable');
    };
    const { net, purchase, clock, of } = await world({}, stubborn({ forward }));
    const paying = net.pay(purchase.invoice);
    await clock.pass(1_000);
    expect(await paying).toEqual({ paid: false, failureCode: 'temporary_channel_failure' });
    expect(of('trouble').map(({ what }) => what)).toEqual(['forwardPart', 'failPart']);
  });

  test('a part for an offer that is over', async () => {
    const { net, purchase, clock, service } = await world({}, stubborn());
    await clock.pass(24 * 3600 * 1000);
    expect(service.purchases()).toEqual([]);
    const paying = net.pay(purchase.invoice);
    await clock.pass(1_000);
    expect(await paying).toEqual({ paid: false, failureCode: 'unknown_next_peer' });
  });
});
