import { client, msat, sat, type Trust } from 'lsps2';
import { clnFiles, clnNode, clnStockWallet } from 'lsps2/cln';
import { memoryStore } from 'lsps2/memory';
import { network, type NetworkOptions } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { findLightningd, startCln } from './clnNode.ts';
import { forwards, OVERCHARGES } from './overcharges.ts';
import { say, whatIsMissing } from './say.ts';
import { walletProgram } from './walletProgram.ts';

// A wallet on a lightningd as it is, with its own cln-lsps-client, buys from our LSP.

const AMOUNT = sat(250_000n);
const FEE = sat(2_500n);
const NET = msat(AMOUNT - FEE);
/** LDK drops what it holds 21 blocks before its expiry; payers add some. */
const SHADOW_BLOCKS = 40;

// Core Lightning comes in no package that `.ci/run` could install; `whatIsMissing` has printed that there is none.
describe.skipIf(whatIsMissing('lightningd') !== undefined)('a wallet on Core Lightning, stock, our LSP', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
  });
  afterAll(() => bitcoind?.stop());

  async function world(o: NetworkOptions = {}, flags: readonly string[] = ['--experimental-lsps-client']) {
    const net = await network({ bitcoind: bitcoind.url, payerChannels: 3, payerChannelSat: 2_000_000n, ...o });
    onTestFinished(() => net.close());
    const cln = await startCln(findLightningd()!, { bitcoind: bitcoind.url, role: 'wallet', more: flags });
    onTestFinished(() => cln.stop());
    const node = await clnNode(await clnFiles({ address: cln.address, folder: cln.folder }));
    onTestFinished(() => node.close());
    const store = memoryStore();
    const start = async (unverifiedFees: 'accept' | 'refuse' = 'refuse') => {
      const wallet = await clnStockWallet(node, { store, unverifiedFees });
      const close = () => wallet.close();
      return walletProgram({ node, wallet, store, lsp: net.lsp.uri, limits: {}, log: undefined, close });
    };
    return { net, cln, node, store, start };
  }

  const TRUSTS: readonly Trust[] = ['lsp-trusts-client', 'client-trusts-lsp'];
  test.each(TRUSTS.flatMap((trust) => [1, 3].map((parts) => ({ trust, parts }))))(
    '$trust, fixed, in $parts',
    async ({ trust, parts }) => {
      const { net, cln, start } = await world({ policy: { trust } });
      const { buy } = await start();
      const purchase = await buy(AMOUNT);
      const before = net.payer.balance();
      expect(await net.payer.pay(purchase.invoice, { parts, extraBlocks: SHADOW_BLOCKS })).toMatchObject({
        paid: true,
      });
      expect(await purchase.outcome()).toEqual({ tag: 'paid', gross: AMOUNT, fee: FEE, received: NET });
      await until(async () => (await cln.ours()) === NET, 'the channel’s balance');
      expect(before - net.payer.balance()).toBe(AMOUNT);
      const { invoices } = await cln.rpc<{ invoices: object[] }>('listinvoices');
      expect(invoices).toEqual([
        expect.objectContaining({ status: 'paid', amount_msat: Number(NET), amount_received_msat: Number(NET) }),
      ]);
      // What was bought is used up: no second channel is let in.
      await until(
        async () =>
          (await cln.rpc<{ datastore: unknown[] }>('listdatastore', { key: '["lsps"]' })).datastore.length === 0,
        'the datastore to be empty',
      );
      say(`Core Lightning stock, ${trust}, fixed, ${parts} part(s): payer -${AMOUNT}, cln +${NET}, LSP +${FEE} msat`);
    },
  );

  test.each(TRUSTS)('%s, any amount: only where fees may go unverified; then it is said', async (trust) => {
    const { net, cln, start } = await world({ policy: { trust } });
    const careful = await start();
    await expect(careful.buy('any')).rejects.toMatchObject({ code: 'node', reason: 'unsupported' });
    expect(net.lsp.purchases()).toEqual([]);
    await careful.stop();
    const { buy } = await start('accept');
    const purchase = await buy('any');
    expect(await net.payer.payParts(purchase.invoice, [AMOUNT])).toMatchObject({ paid: true });
    // Nobody told what was paid in all.
    expect(await purchase.outcome()).toEqual({ tag: 'paid', gross: NET, fee: 0n, received: NET });
    expect(purchase.alerts).toEqual(['fee_unknown']);
    expect(await cln.ours()).toBe(NET);
    say(`Core Lightning stock, ${trust}, any amount: cln +${NET} msat, the fee is told as unknown`);
  });

  test.each(OVERCHARGES)(
    'an LSP that takes %s: lightningd takes no less than the promised net amount',
    async (what, change) => {
      let cheats = true;
      const { net, cln, start } = await world({ tamper: forwards((part) => (cheats ? change(part) : part)) });
      const { buy } = await start();
      const purchase = await buy(AMOUNT);
      const before = net.payer.balance();
      expect(await net.payer.pay(purchase.invoice, { extraBlocks: SHADOW_BLOCKS })).toMatchObject({ paid: false });
      await until(() => net.payer.balance() === before, 'the payer to have its money back');
      expect(await cln.ours()).toBe(0n);
      expect(purchase.state.tag).toBe('waiting');
      cheats = false;
      const again = await buy(AMOUNT);
      expect(await net.payer.pay(again.invoice, { extraBlocks: SHADOW_BLOCKS })).toMatchObject({ paid: true });
      expect(await again.outcome()).toMatchObject({ tag: 'paid' });
      say(`Core Lightning stock, an LSP that takes ${what}: not taken, the payer has its money back`);
    },
    240_000,
  );

  test('what it cannot keep is said before anything is bought; what is cancelled is not taken', async () => {
    const { net, node, cln, store, start } = await world();
    const program = await start();
    await expect(program.buy(AMOUNT, { paymentHash: '5c'.repeat(32) })).rejects.toMatchObject({
      reason: 'unsupported',
    });
    expect(net.lsp.purchases()).toEqual([]);
    const purchase = await program.buy(AMOUNT);
    await purchase.cancel();
    const before = net.payer.balance();
    expect(await net.payer.pay(purchase.invoice, { extraBlocks: SHADOW_BLOCKS })).toMatchObject({ paid: false });
    await until(() => net.payer.balance() === before, 'the payer to have its money back');
    expect(await cln.ours()).toBe(0n);
    await program.stop();
    const wallet = await clnStockWallet(node, { store });
    onTestFinished(() => wallet.close());
    const limits = { maxFee: sat(100_000n), confirmations: 1 };
    await expect(client({ node: wallet, store, lsps: [], limits })).rejects.toMatchObject({ limit: 'confirmations' });
  });

  test('without cln-lsps-client: the error says how to start it', async () => {
    const { start } = await world({}, []);
    await expect(start()).rejects.toMatchObject({ message: expect.stringContaining('--experimental-lsps-client') });
  });
});
