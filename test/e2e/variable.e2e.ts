import { type Client, client, msat, priceOf, type Purchase, sat } from 'lsps2';
import { memoryStore } from 'lsps2/memory';
import { network, type TestNetwork } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../lib/testing/until.ts';

// C: the payer decides how much to pay, 1 msat around every edge: the LSP's minimum, where the minimal fee meets the proportional
// one, the user's limit, the LSP's maximum.

const MIN = sat(2_000n);
const FEE = sat(1_000n);
const PPM = 10_000n;
const CROSSOVER = (FEE * 1_000_000n) / PPM;
const MAX_FEE = sat(2_500n);
const LIMIT = (MAX_FEE * 1_000_000n) / PPM;
const MAX = sat(300_000n);

/** bLIP-52, "Computing the opening_fee", by hand. */
const feeOf = (amount: bigint) => {
  const share = (amount * PPM + 999_999n) / 1_000_000n;
  return share > FEE ? share : FEE;
};

describe.each(['lsp-trusts-client', 'client-trusts-lsp'] as const)('a variable amount, %s, on LDK nodes', (trust) => {
  let net: TestNetwork;
  let jit: Client;
  beforeAll(async () => {
    const policy = { trust, minFee: FEE, proportionalPpm: Number(PPM), minPaymentSize: MIN, maxPaymentSize: MAX };
    net = await network({ policy, payerChannels: 2 });
    jit = await client({ node: net.wallet, store: memoryStore(), lsps: [net.lsp.uri], limits: { maxFee: MAX_FEE } });
  });
  afterAll(async () => {
    await jit.close();
    await net.close();
  });

  async function buy(): Promise<Purchase> {
    const { best } = await jit.quotes({ amount: 'any' });
    expect(best).toMatchObject({ minPaymentSize: MIN, maxPaymentSize: LIMIT });
    expect(priceOf(best!, msat(CROSSOVER + 1n))).toMatchObject({ openingFee: FEE + 1n });
    return jit.buy(best!, { description: 'as you like' });
  }

  test.each<[string, bigint]>([
    ['the minimum', MIN],
    ['1 msat above the minimum', MIN + 1n],
    ['1 msat below the crossover', CROSSOVER - 1n],
    ['the crossover', CROSSOVER],
    ['1 msat above the crossover', CROSSOVER + 1n],
    ['1 msat below the limit', LIMIT - 1n],
    ['the limit', LIMIT],
  ])('%s is paid, with the fee of bLIP-52 to the millisatoshi', async (_, amount) => {
    const purchase = await buy();
    const before = net.payer.balance();
    expect(await net.payer.payParts(purchase.invoice, [msat(amount)])).toMatchObject({ paid: true });
    const fee = feeOf(amount);
    expect(await purchase.outcome()).toEqual({ tag: 'paid', gross: amount, fee, received: amount - fee });
    expect(purchase.openingFee).toBe(fee);
    await until(() => before - net.payer.balance() === amount, 'the payer to have paid exactly this');
  });

  test.each<[string, bigint, object]>([
    ['1 msat below the minimum', MIN - 1n, { tag: 'waiting' }],
    ['1 msat above the limit', LIMIT + 1n, { tag: 'refused', what: 'payment', reason: 'over_limit' }],
    ['the LSP’s maximum', MAX, { tag: 'refused', what: 'payment', reason: 'over_limit' }],
    ['1 msat above the LSP’s maximum', MAX + 1n, { tag: 'waiting' }],
  ])('%s is not, and the payer has its money back', async (_, amount, state) => {
    const purchase = await buy();
    const before = net.payer.balance();
    expect(await net.payer.payParts(purchase.invoice, [msat(amount)])).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject(state);
    await until(() => before === net.payer.balance(), 'the payer to have its money back');
    await purchase.cancel();
  });
});
