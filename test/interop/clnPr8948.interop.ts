import { msat, sat } from 'lsps2';
import { REFUSALS } from 'lsps2/text';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { type ClnLsp, startClnLsp } from './clnLsp.ts';
import { isPr8948 } from './clnNode.ts';
import { clnWithPlugin } from './clnWorld.ts';
import { lndFor } from './lndWorld.ts';
import { say, whatIsMissing } from './say.ts';

// B: Core Lightning's LSP of PR 8948, and wallets on nodes of their own.

const AMOUNT = sat(250_000n);
const FEE = sat(2_500n);
const NET = msat(AMOUNT - FEE);

const missing = whatIsMissing('lightningd');
if (missing === undefined && !isPr8948)
  say(
    'skipped, for want of CLN_LSPS_SERVICE: the LSP of PR 8948 (built by hand), with wallets on Core Lightning and lnd',
  );

describe.skipIf(missing !== undefined || !isPr8948)(
  'the LSP of PR 8948',
  () => {
    let bitcoind: Bitcoind;
    let world: ClnLsp;
    beforeAll(async () => {
      bitcoind = await startBitcoind(findBitcoind()!);
      world = await startClnLsp(bitcoind.url);
    }, 180_000);
    afterAll(async () => {
      await world?.close();
      await bitcoind?.stop();
    });

    describe('a wallet on Core Lightning, strict', () => {
      const program = async () => {
        const { cln, start } = await clnWithPlugin(bitcoind.url, { lsp: world.lsp.uri });
        return { cln, ...(await start()) };
      };

      test.each([
        { amount: AMOUNT, parts: 1 },
        { amount: AMOUNT, parts: 2 },
        { amount: undefined, parts: 1 },
      ])('amount $amount, in $parts: paid', async ({ amount, parts }) => {
        const { payer } = world;
        const { cln, buy } = await program();
        const purchase = await buy(amount ?? 'any');
        const before = payer.balance();
        const paying =
          amount === undefined ? payer.payParts(purchase.invoice, [AMOUNT]) : payer.pay(purchase.invoice, { parts });
        expect(await paying).toMatchObject({ paid: true });
        expect(await purchase.outcome()).toEqual({ tag: 'paid', gross: AMOUNT, fee: FEE, received: NET });
        await until(async () => (await cln.ours()) === NET, 'the channel’s balance');
        await until(() => before - payer.balance() === AMOUNT, 'the payer’s books');
        say(
          `${purchase.trust}: PR 8948’s LSP, Core Lightning strict, ${amount === undefined ? 'any amount' : 'fixed'}, ${parts} part(s): payer -${AMOUNT}, cln +${NET} msat`,
        );
      });

      test.each([
        ['tells no extra fee', 'tlv', 'underpaid'],
        ['takes a millisatoshi more, and says so', 'msat', 'overcharged'],
        ['takes a satoshi more, and does not say so', 'short', 'overcharged'],
      ] as const)('an LSP that %s: refused, the payer is whole, and a right payment is', async (what, how, reason) => {
        const { payer } = world;
        const { cln, buy } = await program();
        const purchase = await buy(AMOUNT);
        const before = payer.balance();
        await world.cheat(how);
        expect(await payer.pay(purchase.invoice)).toMatchObject({ paid: false });
        await world.cheat('not');
        expect(await purchase.outcome()).toMatchObject({ tag: 'refused', what: 'payment', reason });
        await until(() => payer.balance() === before, 'the payer to have its money back');
        expect(await cln.ours()).toBe(0n);
        const again = await buy(AMOUNT);
        expect(await payer.pay(again.invoice)).toMatchObject({ paid: true });
        expect(await again.outcome()).toMatchObject({ tag: 'paid', fee: FEE, received: NET });
        say(`PR 8948’s LSP that ${what}: refused (${reason}), the payer has its money back`);
      });
    });

    // It opens {12, 46, 50}, without anchors; lnd knows no such channel.
    test.skipIf(whatIsMissing('lnd') !== undefined)(
      'a wallet on lnd: refused, with the reason; the payer has its money back',
      async () => {
        const { payer } = world;
        const { start } = await lndFor(bitcoind.url, { lsp: world.lsp.uri, lnd: [] });
        const { buy } = await start();
        const purchase = await buy(AMOUNT);
        const before = payer.balance();
        expect(await payer.pay(purchase.invoice)).toMatchObject({ paid: false });
        await until(() => payer.balance() === before, 'the payer to have its money back');
        expect(purchase.state).toEqual({ tag: 'refused', what: 'channel', reason: 'unsupported_type' });
        say(`PR 8948’s LSP, lnd: refused, “${REFUSALS.unsupported_type}”; the payer has its money back`);
      },
    );
  },
  240_000,
);
