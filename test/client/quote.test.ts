import { type Client, client, msat, PolicyError, sat, TermsError, TransportError, type Unusable } from 'lsps2';
import { type FlatRate, flatRate, lsp, type Policy } from 'lsps2/lsp';
import { memoryLightning, memoryStore } from 'lsps2/memory';
import { describe, expect, test } from 'vitest';
import type { Wish } from '../../lib/client/entry.ts';
import { chooseQuote, type FixedQuote } from '../../lib/client/quote.ts';
import { parseUri } from '../../lib/core/ids.ts';
import type { OpeningFeeParams } from '../../lib/protocol/lsps2/openingFeeParams.ts';
import { manualClock } from '../manualClock.ts';

const uri = parseUri(`02${'11'.repeat(32)}@127.0.0.1:9735`);
const wish: Wish = { amount: sat(100_000n), limits: { maxFee: sat(2_000n) }, toSelfDelayBlocks: 144, now: 0 };
const entry = (change: Partial<OpeningFeeParams> = {}): OpeningFeeParams => ({
  minFee: sat(1_000n),
  proportionalPpm: 0,
  validUntil: 3600,
  minLifetimeBlocks: 0,
  maxClientToSelfDelayBlocks: 2016,
  minPaymentSize: sat(2_000n),
  maxPaymentSize: sat(1_000_000n),
  promise: 'p',
  verbatim: '{}',
  ...change,
});

describe('choosing from a menu', () => {
  test('takes the cheapest entry for this amount, not the first', () => {
    const menu = [entry({ minFee: sat(1_500n) }), entry({ proportionalPpm: 11_000 }), entry({ minFee: sat(1_600n) })];
    expect(chooseQuote(uri, menu, wish)).toMatchObject({
      entry: 1,
      openingFee: sat(1_100n),
      net: sat(98_900n),
      feePpm: 11_000,
    });
  });
  test('passes over entries that end too soon, or do not suit the node, to a dearer one that does', () => {
    const menu = [
      entry({ validUntil: 60 }),
      entry({ maxClientToSelfDelayBlocks: 100 }),
      entry({ minFee: sat(1_700n) }),
    ];
    expect(chooseQuote(uri, menu, wish)).toMatchObject({ entry: 2 });
  });
  test('is frozen', () => {
    const quote = chooseQuote(uri, [entry()], wish) as { openingFee: bigint };
    expect(() => (quote.openingFee = 1n)).toThrow(TypeError);
  });
  test.each<[string, OpeningFeeParams[], Partial<Wish>]>([
    ['nothing_offered', [], {}],
    ['payment_too_small', [entry()], { amount: sat(1_999n) }],
    ['payment_too_large', [entry()], { amount: sat(1_000_001n) }],
    ['fee_not_below_payment', [entry({ minFee: sat(5_000n) })], { amount: sat(5_000n) }],
    ['to_self_delay_too_long', [entry()], { toSelfDelayBlocks: 2017 }],
    ['expired', [entry()], { now: 3600 }],
  ])('%s', (reason, menu, change) => {
    const { error } = chooseQuote(uri, menu, { ...wish, ...change }) as Unusable;
    expect(error).toBeInstanceOf(TermsError);
    expect(error).toMatchObject({ reason });
  });
  test.each([
    ['maxFee', { maxFee: msat(999_999n) }],
    ['maxFeePpm', { maxFee: sat(2_000n), maxFeePpm: 9_999 }],
    ['minValiditySeconds', { maxFee: sat(2_000n), minValiditySeconds: 3601 }],
  ])('the user says no: %s', (limit, limits) => {
    const { error, menu } = chooseQuote(uri, [entry()], { ...wish, limits }) as Unusable;
    expect(error).toBeInstanceOf(PolicyError);
    expect(error).toMatchObject({ limit });
    // The entry is shown all the same, with what it would cost.
    expect(menu).toMatchObject([{ openingFee: sat(1_000n), error: { limit } }]);
  });
});

async function world(rate: FlatRate | Policy = {}, limits = {}) {
  const net = memoryLightning();
  const clock = manualClock();
  const policy = 'menu' in rate ? rate : flatRate(rate);
  await lsp({ node: net.lsp, store: memoryStore(), policy, clock });
  const dead = `03${'33'.repeat(32)}@127.0.0.1:1`;
  const store = memoryStore();
  const init = { node: net.wallet, store, lsps: [dead, net.lspUri], limits: { maxFee: sat(2_000n), ...limits }, clock };
  const jit = await client(init);
  return { net, clock, jit, init };
}

const quote = async (jit: Client): Promise<FixedQuote> => (await jit.quotes({ amount: sat(100_000n) })).best!;

describe('asking and buying', () => {
  test('an LSP that is not there stands beside the one that is', async () => {
    const { jit } = await world();
    const { best, all } = await jit.quotes({ amount: sat(100_000n) });
    expect(best).toMatchObject({ openingFee: sat(1_000n) });
    expect(all[0]).toMatchObject({ error: expect.any(TransportError) });
    expect(await jit.listProtocols(best!.lsp)).toEqual([2]);
    expect(await jit.getInfo(best!.lsp)).toMatchObject([{ minFee: sat(1_000n), promise: best!.params.promise }]);
  });
  test('what was changed in somebody’s hands is not bought', async () => {
    const { jit } = await world();
    const best = await quote(jit);
    await expect(jit.buy({ ...best, openingFee: msat(1n) }, { description: '' })).rejects.toMatchObject({
      reason: 'not_the_quote',
    });
    await expect(jit.buy({ ...best, paymentSize: sat(1n) }, { description: '' })).rejects.toBeInstanceOf(TermsError);
    expect(jit.purchases()).toEqual([]);
  });
  test('a trust model that the user does not accept ends before an invoice', async () => {
    const { jit } = await world({ trust: 'client-trusts-lsp' }, { trust: ['lsp-trusts-client'] });
    await expect(jit.buy(await quote(jit), { description: '' })).rejects.toMatchObject({ limit: 'trust' });
    expect(jit.purchases()).toEqual([]);
  });
  test('an offer that ended is not bought', async () => {
    const { jit, clock } = await world();
    const best = await quote(jit);
    await clock.pass(3_590_000);
    await expect(jit.buy(best, { description: '' })).rejects.toBeInstanceOf(PolicyError);
    await clock.pass(20_000);
    await expect(jit.buy(best, { description: '' })).rejects.toMatchObject({ reason: 'expired' });
  });
  test.each([
    [{ description: 'x'.repeat(640) }],
    [{ description: '\ud800' }],
    [{ description: '', expirySeconds: 0 }],
    [{ description: '', expirySeconds: 1.5 }],
  ])('bad fields are refused before anything is bought: %o', async (fields) => {
    const { jit } = await world();
    await expect(jit.buy(await quote(jit), fields)).rejects.toThrow(RangeError);
  });
  test('the LSP answers a forged promise, a changed term and the end of an offer as the spec says', async () => {
    const { jit } = await world();
    const best = await quote(jit);
    const verbatim = best.params.verbatim.replace(/"promise":"../, '"promise":"00');
    const forged = { ...best, params: { ...best.params, verbatim } };
    await expect(jit.buy(forged, { description: '' })).rejects.toMatchObject({
      rpcCode: 201,
      reason: 'invalid_opening_fee_params',
    });
  });
  test('the invoice is as bLIP-52 section 3 wants it', async () => {
    const { jit, net, clock } = await world({ validSeconds: 700, cltvExpiryDelta: 200 });
    const { decodeInvoice } = await import('lsps2');
    const best = await quote(jit);
    const purchase = await jit.buy(best, { description: 'tea', expirySeconds: 3600 });
    const invoice = decodeInvoice(purchase.invoice);
    expect(invoice.timestamp).toBe(Math.floor(clock.nowMs() / 1000));
    expect(invoice.timestamp + invoice.expirySeconds).toBeLessThanOrEqual(best.validUntil);
    expect(invoice).toMatchObject({
      network: 'regtest',
      amount: best.paymentSize,
      payee: net.wallet.nodeId,
      minFinalCltvExpiryDelta: 24 + 2,
      features: [8, 14, 17],
      description: 'tea',
    });
    expect(invoice.routeHints).toEqual([
      [
        {
          nodeId: parseUri(best.lsp).nodeId,
          scid: purchase.scid,
          feeBaseMsat: 0,
          feeProportionalPpm: 0,
          cltvExpiryDelta: 200,
        },
      ],
    ]);
  });
  test('limits that are no numbers are refused at once', async () => {
    const { init, jit } = await world();
    await jit.close();
    for (const limits of [
      { maxFee: undefined },
      { maxFee: sat(1n), maxFeePpm: Number.NaN },
      { maxFee: sat(1n), minValiditySeconds: Infinity },
    ]) {
      await expect(client({ ...init, limits: limits as never })).rejects.toThrow(/limit|amount/);
    }
  });
  test('a node has one client at a time; the next one finds the purchases', async () => {
    const { init, jit } = await world();
    const purchase = await jit.buy(await quote(jit), { description: 'tea' });
    await expect(client(init)).rejects.toThrow('guarded by another client');
    const waiting = purchase.outcome().catch((cause: unknown) => cause);
    await jit.close();
    expect(await waiting).toMatchObject({ reason: 'closed' });
    const again = await client(init);
    expect(again.purchases().map(({ invoice }) => invoice)).toEqual([purchase.invoice]);
  });
  test('listeners that throw, at once or later, harm nobody', async () => {
    const { jit, net } = await world();
    jit.on('changed', () => {
      throw new Error('mine');
    });
    const later: () => unknown = () => Promise.reject(new Error('mine too'));
    jit.on('changed', () => later() as undefined);
    const purchase = await jit.buy(await quote(jit), { description: 'tea' });
    expect(await net.pay(purchase.invoice)).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toMatchObject({ tag: 'paid' });
  });
});
