import { msat, sat, type Trust } from 'lsps2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { clnWorld } from './clnWorld.ts';
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
});
