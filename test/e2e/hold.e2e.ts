import { randomBytes } from 'node:crypto';
import { type Client, client, msat, sat } from 'lsps2';
import { memoryStore } from 'lsps2/memory';
import { network, type TestNetwork } from 'lsps2/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashOf } from '../../lib/protocol/bolt11/preimage.ts';
import { until } from '../../lib/testing/until.ts';

const AMOUNT = sat(100_000n);
const FEE = sat(1_000n);
const PAID = { tag: 'paid', gross: AMOUNT, fee: FEE, received: msat(AMOUNT - FEE) };
/** Well past the height at which LDK gives back what nobody claimed. */
const BLOCKS = 12;

describe('preimages of one’s own, on LDK nodes', () => {
  let net: TestNetwork;
  let jit: Client;
  const store = memoryStore();
  const start = async () =>
    (jit = await client({ node: net.wallet, store, lsps: [net.lsp.uri], limits: { maxFee: FEE } }));
  beforeEach(async () => {
    net = await network();
    await start();
  });
  afterEach(async () => {
    await jit.close();
    await net.close();
  });

  async function buy(fields: { preimage?: string; paymentHash?: string }) {
    const { best } = await jit.quotes({ amount: AMOUNT });
    return jit.buy(best!, { description: 'held', ...fields });
  }
  const preimage = () => randomBytes(32).toString('hex');

  test('an own preimage is what the payer gets', async () => {
    const own = preimage();
    const purchase = await buy({ preimage: own });
    expect(await net.payer.pay(purchase.invoice)).toEqual({ paid: true, preimage: own });
    expect(await purchase.outcome()).toEqual(PAID);
  });

  test('a hold invoice is held until it is settled, over a new client too', async () => {
    const own = preimage();
    const purchase = await buy({ paymentHash: hashOf(own) });
    const paying = net.payer.pay(purchase.invoice);
    await until(() => purchase.state.tag === 'held', 'the payment to be held');
    await jit.close();
    await start();
    const again = jit.purchases().find(({ paymentHash }) => paymentHash === purchase.paymentHash)!;
    await until(() => again.state.tag === 'held', 'the payment to be held again');
    await again.settle(own);
    expect(await paying).toEqual({ paid: true, preimage: own });
    expect(await again.outcome()).toEqual(PAID);
  });

  test('what nobody settles is given back in time; settled later, the next payment is judged by itself', async () => {
    const own = preimage();
    const before = net.payer.balance();
    const purchase = await buy({ paymentHash: hashOf(own) });
    const paying = net.payer.pay(purchase.invoice);
    await until(() => purchase.state.tag === 'held', 'the payment to be held');
    await net.mine(BLOCKS);
    expect(await paying).toMatchObject({ paid: false });
    await until(() => purchase.state.tag === 'channelOpening', 'the purchase to wait again');
    await until(() => net.payer.balance() === before, 'the payer to have its money back');
    await purchase.settle(own);
    expect(await net.payer.pay(purchase.invoice)).toEqual({ paid: true, preimage: own });
    expect(await purchase.outcome()).toEqual(PAID);
  });

  test('a payment that waits while no client is there is taken by the next', async () => {
    const purchase = await buy({});
    const opening = new Promise((resolve) => net.lsp.on('channelFunded', resolve));
    const paying = net.payer.pay(purchase.invoice);
    await opening;
    await jit.close();
    await start();
    expect(await paying).toMatchObject({ paid: true });
    expect(
      await jit
        .purchases()
        .find(({ scid }) => scid === purchase.scid)!
        .outcome(),
    ).toEqual(PAID);
  });
});
