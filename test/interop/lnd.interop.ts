import { msat, sat, type Trust } from 'lsps2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listChannels } from '../../lib/nodes/lnd/channels.ts';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { forwards, OVERCHARGES } from './overcharges.ts';
import { lndWorld, type LndWorld, type Program } from './lndWorld.ts';
import { say, whatIsMissing } from './say.ts';

// A wallet on a stock lnd buys from our LSP, and is paid through it by an LDK payer: the phantom hop.

const AMOUNT = sat(250_000n);
const TRUSTS: readonly Trust[] = ['lsp-trusts-client', 'client-trusts-lsp'];

// Runs in `.ci/run`, which builds an lnd; a newcomer's machine may have none, and `whatIsMissing` has printed that.
describe.skipIf(whatIsMissing('lnd') !== undefined)('a wallet on a stock lnd, our LSP', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
  });
  afterAll(() => bitcoind?.stop());

  /** What each of them owns in channels; lnd tells its own in satoshi. */
  async function balances({ net }: LndWorld, { node }: Program) {
    const channels = await listChannels(node);
    const lnd = channels.reduce((sum, { localBalance }) => sum + localBalance * 1000n, 0n);
    return { payer: net.payer.balance(), lnd, received: channels[0]?.totalSatoshisReceived };
  }

  const cases = TRUSTS.flatMap((trust) => [
    { trust, amount: AMOUNT, parts: 1 },
    { trust, amount: AMOUNT, parts: 3 },
    { trust, amount: undefined, parts: 1 },
  ]);
  test.each(cases)('$trust, amount $amount, in $parts', async ({ trust, amount, parts }) => {
    const world = await lndWorld(bitcoind.url, { network: { policy: { trust } } });
    const { net } = world;
    const program = await world.start();
    const purchase = await program.buy(amount ?? 'any');
    expect(purchase.trust).toBe(trust);
    const before = await balances(world, program);
    const ended = new Promise((resolve) => net.lsp.on('ended', resolve));
    const paid =
      amount === undefined
        ? net.payer.payParts(purchase.invoice, [AMOUNT])
        : net.payer.pay(purchase.invoice, { parts });
    expect(await paid).toMatchObject({ paid: true });
    const fee = sat(2_500n);
    const received = msat(AMOUNT - fee);
    expect(await purchase.outcome()).toEqual({ tag: 'paid', gross: AMOUNT, fee, received });
    expect(await ended).toMatchObject({ how: 'succeeded' });
    const after = await balances(world, program);
    expect(before.payer - after.payer).toBe(AMOUNT);
    expect(after.lnd - before.lnd).toBe(received);
    expect(after.received).toBe(received / 1000n);
    expect(net.lsp.purchases()).toMatchObject([{ feeSettled: fee, paid: true }]);
    say(
      `lnd, ${trust}, ${amount === undefined ? 'any amount' : 'fixed'}, ${parts} part(s): payer ${after.payer - before.payer}, lnd +${after.lnd - before.lnd} msat`,
    );
  });

  test.each(OVERCHARGES)(
    'an LSP that takes %s: nothing is claimed, the payer is whole, and a right payment is',
    async (_, change) => {
      let cheats = true;
      const tamper = forwards((part) => (cheats ? change(part) : part));
      const world = await lndWorld(bitcoind.url, { network: { tamper } });
      const { net } = world;
      const program = await world.start();
      const purchase = await program.buy(AMOUNT);
      const before = net.payer.balance();
      expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: false });
      expect(await purchase.outcome()).toMatchObject({ tag: 'refused', what: 'payment', reason: 'overcharged' });
      await until(() => net.payer.balance() === before, 'the payer to have its money back');
      cheats = false;
      const again = await program.buy(AMOUNT);
      expect(await net.payer.pay(again.invoice)).toMatchObject({ paid: true });
      expect(await again.outcome()).toMatchObject({ tag: 'paid' });
    },
  );
});
