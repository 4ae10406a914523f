import { type Client, client, msat, type Purchase, sat } from 'lsps2';
import type { LspEvents } from 'lsps2/lsp';
import { memoryStore } from 'lsps2/memory';
import { network, type NetworkOptions, type TestNetwork } from 'lsps2/testing';
import { expect, onTestFinished, test } from 'vitest';
import { fromHex } from '../../lib/core/bytes.ts';
import { parseUri } from '../../lib/core/ids.ts';
import { systemClock } from '../../lib/platform/clock.ts';
import type { Clock } from '../../lib/ports/clock.ts';
import { until } from '../../lib/testing/until.ts';

// E, on real LDK nodes: what waits, and what ends the waiting.

const AMOUNT = sat(250_000n);
const FEE = sat(2_500n);
const half = msat(AMOUNT / 2n);
const PAID = { tag: 'paid', gross: AMOUNT, fee: FEE, received: AMOUNT - FEE };

interface World {
  net: TestNetwork;
  jit: Client;
  buy(): Promise<Purchase>;
  told: { event: string; [field: string]: unknown }[];
  count(event: keyof LspEvents): number;
}

const EVENTS = ['partHeld', 'clientAway', 'channelOpening', 'channelFunded', 'partFailed', 'ended'] as const;

async function world(options: NetworkOptions = {}): Promise<World> {
  const net = await network({ payerChannels: 2, ...options });
  const jit = await client({ node: net.wallet, store: memoryStore(), lsps: [net.lsp.uri], limits: { maxFee: FEE } });
  onTestFinished(async () => {
    await jit.close();
    await net.close();
  });
  const told: World['told'] = [];
  for (const event of EVENTS) net.lsp.on(event, (fields) => told.push({ event, ...fields }));
  return {
    net,
    jit,
    told,
    async buy() {
      const { best, all } = await jit.quotes({ amount: AMOUNT });
      if (!best) throw new AggregateError(all, 'no quote');
      return jit.buy(best, { description: 'waiting' });
    },
    count: (name) => told.filter(({ event }) => event === name).length,
  };
}

async function hangUp(net: TestNetwork): Promise<void> {
  net.nodes.wallet.peers.disconnect_by_node_id(fromHex(net.lsp.nodeId));
  net.nodes.wallet.wake();
  await until(() => !net.lsp.node.isConnected(net.wallet.nodeId), 'the wallet to be gone');
}

const comeBack = (net: TestNetwork) => net.wallet.connect(parseUri(net.lsp.uri));

test('a wallet that comes back 20 s after the last part is paid', async () => {
  const { net, buy, count } = await world();
  const purchase = await buy();
  await hangUp(net);
  const paying = net.payer.pay(purchase.invoice, { parts: 2 });
  await until(() => count('partHeld') === 2, 'both parts to be held');
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  expect(count('partFailed')).toBe(0);
  await comeBack(net);
  expect(await paying).toMatchObject({ paid: true });
  expect(await purchase.outcome()).toEqual(PAID);
});

test('a wallet that stays away: each part is failed in time, and the purchase works afterwards', async () => {
  const { net, buy, told, count } = await world({ policy: { rules: { collectSeconds: 2 } } });
  const purchase = await buy();
  const before = net.payer.balance();
  await hangUp(net);
  expect(await net.payer.pay(purchase.invoice, { parts: 2 })).toEqual({
    paid: false,
    failureCode: 'temporary_channel_failure',
  });
  await until(() => count('partFailed') === 2, 'both parts to be failed');
  expect(told.filter(({ event }) => event === 'partFailed').map(({ reason }) => reason)).toEqual([
    'temporary_channel_failure',
    'temporary_channel_failure',
  ]);
  await until(() => net.payer.balance() === before, 'the money to be back');
  await comeBack(net);
  expect(await net.payer.pay(purchase.invoice, { parts: 2 })).toMatchObject({ paid: true });
  expect(await purchase.outcome()).toEqual(PAID);
  expect(count('channelOpening')).toBe(1);
});

test('a wallet that hangs up before funding_signed: the parts go back, and the retry on the same scid is paid', async () => {
  let hang: (() => Promise<void>) | undefined;
  const { net, buy, count } = await world({
    tamper: (node) => ({
      ...node,
      async fund(key) {
        // funding_created leaves with the next round; by then nobody is there to sign.
        await hang?.();
        hang = undefined;
        await node.fund(key);
      },
    }),
  });
  const purchase = await buy();
  const before = net.payer.balance();
  hang = () => hangUp(net);
  expect(await net.payer.pay(purchase.invoice, { parts: 2 })).toEqual({
    paid: false,
    failureCode: 'temporary_channel_failure',
  });
  expect(count('channelFunded')).toBe(0);
  await until(() => net.payer.balance() === before, 'the money to be back');
  await comeBack(net);
  expect(await net.payer.pay(purchase.invoice, { parts: 2 })).toMatchObject({ paid: true });
  expect(await purchase.outcome()).toEqual(PAID);
  await until(() => net.lsp.purchases()[0]?.feeSettled === FEE, 'the fee');
  expect(net.lsp.purchases()[0]).toMatchObject({ openAttempts: 2, releasing: [] });
});

test('parts that are held when valid_until passes are failed with unknown_next_peer', async () => {
  let ahead = 0;
  const lspClock: Clock = { nowMs: () => Date.now() + ahead, after: systemClock.after };
  const { net, buy, count } = await world({ lspClock, policy: { validSeconds: 700 } });
  const purchase = await buy();
  const { validUntil } = net.lsp.purchases()[0]!.offer;
  ahead = validUntil * 1000 - 3_000 - Date.now();
  expect(await net.payer.payParts(purchase.invoice, [half])).toEqual({ paid: false, failureCode: 'unknown_next_peer' });
  expect(count('channelOpening')).toBe(0);
});

test('a wallet that has an older channel with the LSP gets another one, and pays each fee once', async () => {
  const { net, buy, count } = await world();
  const before = net.payer.balance();
  const first = await buy();
  expect(await net.payer.pay(first.invoice)).toMatchObject({ paid: true });
  expect(await first.outcome()).toEqual(PAID);
  await net.mine(1);
  const second = await buy();
  expect(await net.payer.pay(second.invoice, { parts: 2 })).toMatchObject({ paid: true });
  expect(await second.outcome()).toEqual(PAID);
  await until(() => net.lsp.purchases().every(({ paid }) => paid), 'both fees');
  expect(net.lsp.purchases().map(({ feeSettled }) => feeSettled)).toEqual([FEE, FEE]);
  expect(count('channelFunded')).toBe(2);
  await until(() => before - net.payer.balance() === 2n * AMOUNT, 'the payer to have paid twice');
});
