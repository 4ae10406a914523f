import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { client, msat, sat } from 'lsps2';
import { flatRate, type FlatRate, lsp, type LspEvents, type LspInit } from 'lsps2/lsp';
import { type MemoryLightning, memoryLightning, memoryStore } from 'lsps2/memory';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../lib/ports/store.ts';
import { manualClock, settled } from '../manualClock.ts';

// What an operator relies on: limits, tokens, keys, events, and a store that is picked up again.

const AMOUNT = sat(100_000n);

async function start(init: Partial<LspInit> & { rate?: FlatRate; net?: MemoryLightning } = {}) {
  const { rate = {}, net = memoryLightning(), clock = manualClock(), store = memoryStore(), ...rest } = init;
  const told: { event: string; [field: string]: unknown }[] = [];
  const events: readonly (keyof LspEvents)[] = [
    'resumed',
    'ended',
    'channelUnpaid',
    'expired',
    'trouble',
    'channelOpening',
  ];
  const service = await lsp({
    node: net.lsp,
    store,
    clock,
    policy: flatRate(rate),
    on: (subscribe) => {
      for (const event of events) subscribe(event, (fields) => told.push({ event, ...fields }));
    },
    ...rest,
  });
  const of = (name: string) => told.filter(({ event }) => event === name);
  return { net, clock: clock as ReturnType<typeof manualClock>, store, service, of };
}

async function wallet({ net, clock }: Pick<Awaited<ReturnType<typeof start>>, 'net' | 'clock'>) {
  const jit = await client({
    node: net.wallet,
    store: memoryStore(),
    lsps: [net.lspUri],
    limits: { maxFee: sat(2_000n) },
    clock,
  });
  const buy = async () => {
    const { best, all } = await jit.quotes({ amount: AMOUNT });
    if (!best) throw new AggregateError(all.map((each) => ('error' in each ? each.error : each)));
    return jit.buy(best, { description: 'service' });
  };
  return { jit, buy };
}

const refusalOf = async (job: Promise<unknown>): Promise<unknown> =>
  job.then(
    () => 'no refusal',
    (cause: unknown) => (cause as AggregateError).errors?.[0] ?? cause,
  );

describe('what is sold', () => {
  test('only as much as others could send to us', async () => {
    const net = memoryLightning();
    const receivable = async () => sat(50_000n);
    const world = await start({ net: { ...net, lsp: { ...net.lsp, receivable } } });
    const { buy } = await wallet(world);
    expect(await refusalOf(buy())).toMatchObject({ code: 'rpc', rpcCode: 203 });
  });

  test('only to clients with a token, if the operator wants one', async () => {
    const { net, clock } = await start({ rate: { tokens: ['sesame'] } });
    const { buy } = await wallet({ net, clock });
    expect(await refusalOf(buy())).toMatchObject({ rpcCode: 200 });
  });

  test.each([
    ['less than ten minutes', 599],
    ['more than any key is kept', 31 * 24 * 3600],
  ])('nothing that holds for %s: that is the operator’s mistake', async (_, validSeconds) => {
    const world = await start({ rate: { validSeconds } });
    const { buy } = await wallet(world);
    expect(await refusalOf(buy())).toMatchObject({ rpcCode: -32_603 });
  });

  test('under a new key each day; what was promised under the old one still holds', async () => {
    const world = await start({ rate: { validSeconds: 3 * 24 * 3600 } });
    const { jit } = await wallet(world);
    const { best } = await jit.quotes({ amount: AMOUNT });
    await world.clock.pass(25 * 3600 * 1000);
    const { best: newer } = await jit.quotes({ amount: AMOUNT });
    const saved = (await world.store.load()).find(([key]) => key === 'promise-secrets');
    expect(JSON.parse(saved![1])).toHaveLength(2);
    expect((await jit.buy(best!, { description: 'old' })).paymentSize).toBe(AMOUNT);
    expect((await jit.buy(newer!, { description: 'new' })).paymentSize).toBe(AMOUNT);
    // Long after everything that was promised under it, a key is gone.
    await world.clock.pass(40 * 24 * 3600 * 1000);
    await jit.quotes({ amount: AMOUNT });
    const later = (await world.store.load()).find(([key]) => key === 'promise-secrets');
    expect(JSON.parse(later![1])).toHaveLength(2);
  });
});

describe('caps', () => {
  test('too many held HTLCs: further ones go back at once', async () => {
    const world = await start({ rate: { caps: { heldPartsPerClient: 2 } } });
    const { buy } = await wallet(world);
    const { invoice } = await buy();
    const tenth = msat(AMOUNT / 10n);
    const waiting = world.net.pay(invoice, [tenth, tenth]);
    await settled();
    expect(await world.net.pay(invoice, [tenth])).toEqual({ paid: false, failureCode: 'temporary_channel_failure' });
    await world.clock.pass(91_000);
    expect(await waiting).toMatchObject({ paid: false });
    expect(world.service.counts()).toMatchObject({ heldParts: 0 });
  });

  test('too many channels that nobody paid for: the next purchase is client-trusts-LSP', async () => {
    const net = memoryLightning();
    const fail: Partial<MemoryLightning['lsp']> = {
      // The client is overcharged, and refuses: the channel stays, unpaid.
      forward: (o) => net.lsp.forward({ ...o, amount: msat(o.amount - 1n) }),
    };
    const world = await start({
      net: { ...net, lsp: { ...net.lsp, ...fail } },
      rate: { caps: { unpaidChannelsPerClient: 1 } },
    });
    const { buy } = await wallet(world);
    const first = await buy();
    expect(first.trust).toBe('lsp-trusts-client');
    expect(await world.net.pay(first.invoice)).toMatchObject({ paid: false });
    await settled();
    expect(world.service.counts(net.wallet.nodeId)).toMatchObject({ unpaidChannels: 1 });
    expect((await buy()).trust).toBe('client-trusts-lsp');
  });
});

describe('a channel that nobody paid for when valid_until passes', () => {
  test.each(['close', 'keep'] as const)('%s', async (unpaidChannels) => {
    const net = memoryLightning();
    const closed: string[] = [];
    const node: MemoryLightning['lsp'] = {
      ...net.lsp,
      forward: (o) => net.lsp.forward({ ...o, amount: msat(o.amount - 1n) }),
      async close(key) {
        closed.push(key);
        await net.lsp.close(key);
      },
    };
    const world = await start({ net: { ...net, lsp: node }, rate: { rules: { unpaidChannels } } });
    const { buy } = await wallet(world);
    const { invoice } = await buy();
    await world.net.pay(invoice);
    await settled();
    await world.clock.pass(3700 * 1000);
    expect(closed).toHaveLength(unpaidChannels === 'close' ? 1 : 0);
    expect(world.of('channelUnpaid')).toHaveLength(unpaidChannels === 'close' ? 1 : 0);
    expect(world.of('expired')).toMatchObject([{ paid: false, feeSettled: 0n }]);
    expect(world.service.purchases()).toEqual([]);
    expect((await world.store.load()).filter(([key]) => key.startsWith('purchase/'))).toEqual([]);
  });
});

test('a broadcast that fails is tried again, until it succeeds', async () => {
  const net = memoryLightning();
  let tries = 0;
  const node: MemoryLightning['lsp'] = {
    ...net.lsp,
    async broadcast(key) {
      tries++;
      if (tries < 4) throw new Error('the mempool is full');
      return net.lsp.broadcast(key);
    },
  };
  const world = await start({ net: { ...net, lsp: node } });
  const { buy } = await wallet(world);
  const { invoice } = await buy();
  const paying = world.net.pay(invoice);
  await world.clock.pass(5_000);
  expect(await paying).toMatchObject({ paid: true });
  expect(tries).toBe(4);
});

test('a node that cannot open gives the purchase back', async () => {
  const net = memoryLightning();
  let broken = true;
  const node: MemoryLightning['lsp'] = {
    ...net.lsp,
    async open(o) {
      if (broken) throw new Error('insufficient funds');
      await net.lsp.open(o);
    },
  };
  const world = await start({ net: { ...net, lsp: node } });
  const { buy } = await wallet(world);
  const { invoice } = await buy();
  expect(await world.net.pay(invoice)).toEqual({ paid: false, failureCode: 'temporary_channel_failure' });
  broken = false;
  expect(await world.net.pay(invoice)).toMatchObject({ paid: true });
});

test('sinks that throw, reject or never answer harm nobody', async () => {
  const world = await start({
    log: () => {
      throw new Error('disk full');
    },
  });
  world.service.on('sold', () => {
    throw new Error('bad sink');
  });
  world.service.on('partHeld', async () => Promise.reject(new Error('bad database')));
  world.service.on('channelOpening', () => new Promise(() => undefined));
  const { buy } = await wallet(world);
  const { invoice } = await buy();
  expect(await world.net.pay(invoice)).toMatchObject({ paid: true });
});

describe('after a restart', () => {
  test('what was sold is there; a payment that was collecting goes on', async () => {
    const first = await start();
    const { buy } = await wallet(first);
    const { invoice } = await buy();
    const half = msat(AMOUNT / 2n);
    const paying = first.net.pay(invoice, [half]);
    await settled();
    await first.service.close();
    const second = await start({ net: first.net, clock: first.clock, store: first.store });
    expect(second.of('resumed')).toMatchObject([{ payments: 1 }]);
    const rest = second.net.pay(invoice, [half]);
    expect(await paying).toMatchObject({ paid: true });
    expect(await rest).toMatchObject({ paid: true });
    await settled();
    expect(second.service.purchases()).toMatchObject([{ paid: true, openAttempts: 1 }]);
  });

  test('nothing is handled before the node has said what it holds', async () => {
    const first = await start();
    const { buy } = await wallet(first);
    const { invoice } = await buy();
    const half = msat(AMOUNT / 2n);
    const paying = first.net.pay(invoice, [half]);
    await settled();
    await first.service.close();
    let rest: ReturnType<MemoryLightning['pay']> | undefined;
    const node: MemoryLightning['lsp'] = {
      ...first.net.lsp,
      async resume(known) {
        const said = await first.net.lsp.resume(known);
        // While the LSP still waits for the answer, the client flaps and the missing half comes.
        first.net.cut();
        first.net.mend();
        rest = first.net.pay(invoice, [half]);
        await settled();
        return said;
      },
    };
    const second = await start({ net: { ...first.net, lsp: node }, clock: first.clock, store: first.store });
    expect(await paying).toMatchObject({ paid: true });
    expect(await rest).toMatchObject({ paid: true });
    await settled();
    expect(second.service.purchases()).toMatchObject([{ paid: true, openAttempts: 1 }]);
  });

  test('a channel that nobody paid for until valid_until is closed, though nobody was there at that moment', async () => {
    const net = memoryLightning();
    const stingy: MemoryLightning['lsp'] = {
      ...net.lsp,
      forward: (o) => net.lsp.forward({ ...o, amount: msat(o.amount - 1n) }),
    };
    const first = await start({ net: { ...net, lsp: stingy } });
    const { buy } = await wallet(first);
    const { invoice } = await buy();
    await first.net.pay(invoice);
    await settled();
    await first.service.close();
    await first.clock.pass(3700 * 1000);
    const second = await start({ net: first.net, clock: first.clock, store: first.store });
    await settled();
    expect(second.of('channelUnpaid')).toHaveLength(1);
    expect(second.of('expired')).toMatchObject([{ paid: false }]);
  });

  const fixture = readFileSync(fileURLToPath(new URL('../vectors/records/purchase-v1.json', import.meta.url)), 'utf8');
  const holding = (json: string): Store => {
    const store = memoryStore();
    void store.put('purchase/1x2x3', json);
    return store;
  };

  test('records of version 1 are read', async () => {
    const clock = manualClock(1_700_000_000_000);
    const { service } = await start({ store: holding(fixture), clock });
    expect(service.purchases()).toMatchObject([{ version: 1, paid: false, feeSettled: 0n, sessions: {} }]);
  });

  test.each<[string, string]>([
    ['of a newer version', fixture.replace('"version":1', '"version":2')],
    ['that is damaged', fixture.replace('"sessions"', '"session"')],
    ['that is no JSON', fixture.slice(0, 50)],
  ])('a record %s is refused, rather than read wrong', async (_, json) => {
    await expect(start({ store: holding(json) })).rejects.toMatchObject({ code: 'decode' });
  });
});
