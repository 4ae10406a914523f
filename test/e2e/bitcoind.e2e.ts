import { client, msat, sat } from 'lsps2';
import { bitcoindView } from 'lsps2/chain';
import { memoryStore } from 'lsps2/memory';
import { network, type TestNetwork } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Txid } from '../../lib/core/ids.ts';
import { rpcClient } from '../../lib/testing/chain/rpc.ts';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';

const binary = findBitcoind();

async function buy(net: TestNetwork) {
  const limits = { maxFee: sat(3_000n) };
  const jit = await client({ node: net.wallet, store: memoryStore(), lsps: [net.lsp.uri], limits });
  const { best } = await jit.quotes({ amount: sat(250_000n) });
  if (!best) throw new Error('no quote');
  return { jit, best, purchase: await jit.buy(best, { description: 'coffee' }) };
}

// Runs in `.ci/run`, which installs a bitcoind; a newcomer's machine may have none, and `findBitcoind` has printed that.
describe.skipIf(binary === undefined)('on a real regtest bitcoind', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(binary!);
  });
  afterAll(() => bitcoind.stop());

  test.each(
    (['lsp-trusts-client', 'client-trusts-lsp'] as const).flatMap((trust) =>
      [1, 2, 3, 8].map((parts) => ({ trust, parts })),
    ),
  )(
    '$trust, $parts parts: the funding transaction is in a block, every millisatoshi adds up',
    async ({ trust, parts }) => {
      const net = await network({ bitcoind: bitcoind.url, policy: { trust } });
      const { jit, best, purchase } = await buy(net);
      const ended = new Promise((resolve) => net.lsp.on('ended', resolve));
      expect(await net.payer.pay(purchase.invoice, { parts })).toMatchObject({ paid: true });
      const state = await purchase.outcome();
      expect(state).toEqual({ tag: 'paid', gross: sat(250_000n), fee: best.openingFee, received: best.net });
      expect(await ended).toMatchObject({ how: 'succeeded' });

      const { fundingTxid } = net.lsp.purchases()[0]!.channel!;
      expect(await net.chain.inMempool(fundingTxid!)).toBe(true);
      await net.mine(1);
      expect(await net.chain.heightOf(fundingTxid!)).toBeGreaterThan(100);
      await jit.close();
      await net.close();
    },
  );

  test('a wallet that does not trust sees the funding in the mempool, and a block when it asks for one', async () => {
    for (const confirmations of [0, 1]) {
      const net = await network({ bitcoind: bitcoind.url });
      const chain = bitcoindView(bitcoind.url);
      const limits = { maxFee: sat(3_000n), confirmations };
      const jit = await client({ node: net.wallet, store: memoryStore(), lsps: [net.lsp.uri], limits, chain });
      const { best } = await jit.quotes({ amount: sat(250_000n) });
      const purchase = await jit.buy(best!, { description: 'careful' });
      let out: Txid | undefined;
      net.lsp.on('fundingBroadcast', ({ fundingTxid }) => (out = fundingTxid));
      const paying = net.payer.pay(purchase.invoice);
      await until(() => out !== undefined, 'the funding to be broadcast');
      expect(await chain.output({ txid: out!, vout: 0 })).toMatchObject({ confirmations: 0 });
      if (confirmations > 0) await net.mine(confirmations);
      expect(await paying).toMatchObject({ paid: true });
      expect(await purchase.outcome()).toMatchObject({ tag: 'paid', fee: best!.openingFee });
      await jit.close();
      await net.close();
    }
  });

  test('withheld funding that is not paid for leaves no coin locked, and nothing in the mempool (L5, L6)', async () => {
    const locked: number[] = [];
    const rpc = rpcClient(bitcoind.url);
    const coins = async () => {
      const [wallet] = await rpc.call<string[]>('listwallets');
      return (await rpc.wallet(wallet!).call<unknown[]>('listlockunspent')).length;
    };
    const net = await network({
      bitcoind: bitcoind.url,
      policy: { trust: 'client-trusts-lsp' },
      // One msat more than was promised: the wallet will not pay, and the channel was for nothing.
      tamper: (node) => ({
        ...node,
        async forward(part) {
          locked.push(await coins());
          await node.forward({ ...part, amount: msat(part.amount - 1n) });
        },
      }),
    });
    const { jit, purchase } = await buy(net);
    expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject({ tag: 'refused', what: 'payment', reason: 'overcharged' });
    expect(locked).toEqual([1]);
    await until(async () => (await coins()) === 0, 'the coins to be free');
    expect(await rpc.call('getrawmempool')).toEqual([]);
    expect(net.lsp.purchases()[0]!.channel).toBeUndefined();
    await jit.close();
    await net.close();
  });
});
