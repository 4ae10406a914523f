import { type Client, client, decodeInvoice, type Purchase, sat } from 'lsps2';
import { memoryStore } from 'lsps2/memory';
import { network, type TestNetwork } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../lib/testing/until.ts';

const AMOUNT = sat(250_000n);
const FEE = sat(2_500n);

async function buy(jit: Client): Promise<Purchase> {
  const { best, all } = await jit.quotes({ amount: AMOUNT });
  if (!best)
    throw new AggregateError(
      all.map((each) => ('error' in each ? each.error : each)),
      'no usable offer',
    );
  expect(best).toMatchObject({ paymentSize: AMOUNT, openingFee: FEE, net: AMOUNT - FEE, entry: 0, feePpm: 10_000 });
  return jit.buy(best, { description: 'coffee' });
}

describe.each(['lsp-trusts-client', 'client-trusts-lsp'] as const)('%s, on LDK nodes over TCP', (trust) => {
  let net: TestNetwork;
  let jit: Client;
  beforeAll(async () => {
    net = await network({ policy: { trust } });
    jit = await client({
      node: net.wallet,
      store: memoryStore(),
      lsps: [net.lsp.uri],
      limits: { maxFee: sat(3_000n) },
    });
  });
  afterAll(async () => {
    await jit.close();
    await net.close();
  });

  test.each([1, 2, 3, 8])('a wallet is paid in %i parts through a channel that did not exist', async (parts) => {
    const told: { event: string; [field: string]: unknown }[] = [];
    const stops = (['partHeld', 'fundingBroadcast', 'partForwarded', 'partSettled', 'ended', 'trouble'] as const).map(
      (event) => net.lsp.on(event, (fields) => told.push({ event, ...fields })),
    );
    const events = (event: string) => told.filter((each) => each.event === event);
    const before = net.payer.balance();

    const purchase = await buy(jit);
    expect(purchase).toMatchObject({ trust, state: { tag: 'waiting' } });
    expect(await net.payer.pay(purchase.invoice, { parts })).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toEqual({ tag: 'paid', gross: AMOUNT, fee: FEE, received: AMOUNT - FEE });

    await until(() => events('ended').length > 0, 'the LSP to end the session');
    expect(events('ended')).toMatchObject([{ how: 'succeeded' }]);
    expect(events('trouble')).toEqual([]);
    expect(events('partHeld')).toHaveLength(parts);
    expect(events('partSettled')).toHaveLength(parts);
    const forwarded = events('partForwarded');
    expect(forwarded.reduce((sum, each) => sum + (each['extraFee'] as bigint), 0n)).toBe(FEE);
    const order = told.map((each) => each.event);
    const [broadcast, forward, settle] = ['fundingBroadcast', 'partForwarded', 'partSettled'].map((e) =>
      order.indexOf(e),
    );
    // L5: who trusts, moves first.
    if (trust === 'lsp-trusts-client') expect(broadcast).toBeLessThan(forward!);
    else expect(broadcast).toBeGreaterThan(settle!);
    await until(() => before - net.payer.balance() === AMOUNT, 'the last part to leave the payer');
    for (const stop of stops) stop();
  });

  test('the next invoice leads over the channel that was bought: its alias, its fees', async () => {
    const own = await net.wallet.channels();
    expect(await jit.receivable(sat(1_000n))).toMatchObject({ canReceive: 'all', why: 'enough' });
    const invoice = decodeInvoice(await jit.invoice({ amount: sat(1_000n), description: 'more' }));
    const hints = invoice.routeHints.map(([hop]) => hop);
    expect(hints).toEqual(own.map(({ peer, hint }) => ({ nodeId: peer, ...hint })));
    for (const { scid } of jit.purchases()) expect(hints.map((hop) => hop?.scid)).not.toContain(scid);
    expect(await net.payer.pay(invoice.text)).toMatchObject({ paid: true });
  });
});
