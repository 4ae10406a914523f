import { setTimeout as sleep } from 'node:timers/promises';
import { formatScid, msat, sat, type Trust } from 'lsps2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { clnWorld } from './clnWorld.ts';
import { forwards, OVERCHARGES } from './overcharges.ts';
import { say, whatIsMissing } from './say.ts';

// A wallet on a lightningd, with our plugin inside, buys from our LSP over gRPC and is paid through it by an LDK payer.

const AMOUNT = sat(250_000n);
const FEE = sat(2_500n);
const NET = msat(AMOUNT - FEE);
const TRUSTS: readonly Trust[] = ['lsp-trusts-client', 'client-trusts-lsp'];

// Core Lightning comes in no package that `.ci/run` could install; `whatIsMissing` has printed that there is none.
describe.skipIf(whatIsMissing('lightningd') !== undefined)('a wallet on Core Lightning, strict, our LSP', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
  });
  afterAll(() => bitcoind?.stop());

  const cases = TRUSTS.flatMap((trust) => [
    { trust, amount: AMOUNT, parts: 1 },
    { trust, amount: AMOUNT, parts: 3 },
    { trust, amount: undefined, parts: 1 },
  ]);
  test.each(cases)('$trust, amount $amount, in $parts', async ({ trust, amount, parts }) => {
    const { net, cln, start } = await clnWorld(bitcoind.url, { network: { policy: { trust } } });
    const program = await start();
    const purchase = await program.buy(amount ?? 'any');
    expect(purchase.trust).toBe(trust);
    const before = { payer: net.payer.balance(), cln: await cln.ours() };
    const ended = new Promise((resolve) => net.lsp.on('ended', resolve));
    const paid =
      amount === undefined
        ? net.payer.payParts(purchase.invoice, [AMOUNT])
        : net.payer.pay(purchase.invoice, { parts });
    expect(await paid).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toEqual({ tag: 'paid', gross: AMOUNT, fee: FEE, received: NET });
    expect(await ended).toMatchObject({ how: 'succeeded' });
    await until(async () => (await cln.ours()) - before.cln === NET, 'the channel’s balance');
    expect(before.payer - net.payer.balance()).toBe(AMOUNT);
    expect(net.lsp.purchases()).toMatchObject([{ feeSettled: FEE, paid: true }]);
    // The node's own books say the same.
    const { invoices } = await cln.rpc<{ invoices: object[] }>('listinvoices');
    expect(invoices).toEqual([expect.objectContaining({ status: 'paid', amount_received_msat: Number(NET) })]);
    say(
      `Core Lightning strict, ${trust}, ${amount === undefined ? 'any amount' : 'fixed'}, ${parts} part(s): payer -${AMOUNT}, cln +${NET}, LSP +${FEE} msat`,
    );
  });

  test.each(OVERCHARGES)(
    'an LSP that takes %s: nothing is claimed, the payer is whole, and a right payment is',
    async (what, change) => {
      let cheats = true;
      const tamper = forwards((part) => (cheats ? change(part) : part));
      const { net, cln, start } = await clnWorld(bitcoind.url, { network: { tamper } });
      const program = await start();
      const purchase = await program.buy(AMOUNT);
      const before = net.payer.balance();
      expect(await net.payer.pay(purchase.invoice, { parts: 2 })).toMatchObject({ paid: false });
      expect(await purchase.outcome()).toMatchObject({ tag: 'refused', what: 'payment', reason: 'overcharged' });
      await until(() => net.payer.balance() === before, 'the payer to have its money back');
      expect(await cln.ours()).toBe(0n);
      cheats = false;
      const again = await program.buy(AMOUNT);
      expect(await net.payer.pay(again.invoice)).toMatchObject({ paid: true });
      expect(await again.outcome()).toMatchObject({ tag: 'paid' });
      say(`Core Lightning strict, an LSP that takes ${what}: refused, the payer has its money back`);
    },
  );

  test('a description that is only hashed, and a preimage of one’s own: paid, and in the books', async () => {
    const { net, cln, start } = await clnWorld(bitcoind.url);
    const program = await start();
    const preimage = '7c'.repeat(32);
    const hashed = await program.buy(AMOUNT, { descriptionHash: '3d'.repeat(32) });
    expect(await net.payer.pay(hashed.invoice)).toMatchObject({ paid: true });
    expect(await hashed.outcome()).toMatchObject({ tag: 'paid', received: NET });
    const own = await program.buy(AMOUNT, { preimage });
    expect(await net.payer.pay(own.invoice, { parts: 2 })).toEqual({ paid: true, preimage });
    expect(await own.outcome()).toMatchObject({ tag: 'paid', received: NET });
    const { invoices } = await cln.rpc<{ invoices: { status: string }[] }>('listinvoices');
    expect(invoices.map(({ status }) => status)).toEqual(['paid', 'paid']);
  });

  test('a payment that comes just after the invoice has ended is taken by the plugin, and by lightningd, too', async () => {
    const { net, cln, start } = await clnWorld(bitcoind.url);
    const program = await start();
    const purchase = await program.buy(AMOUNT, { expirySeconds: 2 });
    await sleep(4_000);
    expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toMatchObject({ tag: 'paid', received: NET });
    await until(async () => (await cln.ours()) === NET, 'the channel’s balance');
  });

  test('the plugin tells what was bought', async () => {
    const { net, cln, start } = await clnWorld(bitcoind.url);
    const { scid } = await (await start()).buy(AMOUNT);
    const listed = async () => (await cln.rpc<{ purchases: object[] }>('lsps2-purchases')).purchases;
    await until(async () => (await listed()).length > 0, 'the plugin to look at its datastore');
    expect(await listed()).toEqual([
      expect.objectContaining({
        jit_channel_scid: formatScid(scid),
        lsp_id: net.lsp.node.nodeId,
        payment_size_msat: Number(AMOUNT),
        state: 'waiting',
      }),
    ]);
  });

  test('without the plugin nothing is bought, and the error says what is missing', async () => {
    const { net, cln, plugin, start } = await clnWorld(bitcoind.url);
    const program = await start();
    await cln.rpc('plugin', { subcommand: 'stop', plugin });
    await expect(program.buy(AMOUNT)).rejects.toMatchObject({
      code: 'node',
      message: expect.stringContaining('does not run the plugin lsps2-cln-plugin'),
    });
    expect(net.lsp.purchases()).toEqual([]);
    await expect(start()).rejects.toMatchObject({ code: 'node', reason: 'unsupported' });
  });
});
