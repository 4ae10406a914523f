import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Purchase, sat } from 'lsps2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '../../lib/core/bytes.ts';
import { hashOf } from '../../lib/protocol/bolt11/preimage.ts';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { afterwards } from './afterwards.ts';
import { clnWorld } from './clnWorld.ts';
import { say, whatIsMissing } from './say.ts';

// D: whatever breaks while parts are held, the invoice is paid once, or failed and refunded.

const AMOUNT = sat(250_000n);

// Core Lightning comes in no package that `.ci/run` could install; `whatIsMissing` has printed that there is none.
describe.skipIf(whatIsMissing('lightningd') !== undefined)('a lightningd whose parts are held', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
  });
  afterAll(() => bitcoind?.stop());

  const isHeld = ({ state }: Purchase) => state.tag === 'held' && state.until === 'preimage';
  type World = Awaited<ReturnType<typeof clnWorld>>;

  async function killPlugin({ cln, plugin }: World): Promise<void> {
    const of = ['-P', String(cln.pid()), '-f', 'cln-plugin/main.js'];
    const children = execFileSync('pgrep', of, { encoding: 'utf8' });
    process.kill(Number(children.trim()), 'SIGKILL');
    await until(
      async () => !JSON.stringify(await cln.rpc('plugin', { subcommand: 'list' })).includes('cln-plugin'),
      'its end',
    );
    await cln.rpc('plugin', { subcommand: 'start', plugin });
  }

  const breaks = {
    'the program is killed': () => Promise.resolve(),
    'lightningd is killed': async ({ cln }: World) => {
      await cln.kill();
      await cln.start();
    },
    'lightningd is stopped': async ({ cln }: World) => {
      await cln.halt();
      await cln.start();
    },
    'the plugin is killed': killPlugin,
    'gRPC is cut': async ({ proxy }: World) => {
      proxy.cut();
      await sleep(1_000);
      proxy.mend();
    },
  };
  test.each(Object.entries(breaks))(
    '%s',
    async (what, happens) => {
      const world = await clnWorld(bitcoind.url);
      const { payer, lsp } = world.net;
      let program = await world.start();
      const preimage = toHex(new Uint8Array(randomBytes(32)));
      const purchase = await program.buy(AMOUNT, { paymentHash: hashOf(preimage) });
      const before = payer.balance();
      const paying = payer.pay(purchase.invoice, { parts: 3 });
      await until(() => isHeld(purchase), 'all parts to be held');
      const isAway = what === 'the program is killed';
      if (isAway) await program.stop();
      await happens(world);
      if (isAway) program = await world.start();
      const mine = () => program.jit.purchases().find(({ paymentHash }) => paymentHash === purchase.paymentHash)!;
      // Without its plugin lightningd judges by itself, and gives them back; over its own restart it shows them again.
      const isBack = () => isHeld(mine()) && program.wallet.isConnected(lsp.node.nodeId);
      const isLetGo = what === 'the plugin is killed';
      const outcome = await (isLetGo ? paying : Promise.race([paying, until(isBack, 'the parts to be held again')]));
      if (!isLetGo) expect(outcome).toBe(undefined);
      const { buy } = program;
      const told = `Core Lightning, ${what}`;
      await afterwards({
        what: told,
        amount: AMOUNT,
        outcome: outcome ?? undefined,
        preimage,
        paying,
        before,
        payer,
        mine,
        buy,
      });
    },
    240_000,
  );

  test('the program is away from the invoice on: paid, and it knows when it is there again', async () => {
    const world = await clnWorld(bitcoind.url);
    const first = await world.start();
    const { invoice, paymentHash } = await first.buy(AMOUNT);
    await first.stop();
    expect(await world.net.payer.pay(invoice, { parts: 2 })).toMatchObject({ paid: true });
    const second = await world.start();
    const purchase = second.jit.purchases().find((each) => each.paymentHash === paymentHash)!;
    expect(await purchase.outcome()).toMatchObject({ tag: 'paid', received: sat(247_500n) });
    say('Core Lightning: paid while the wallet’s program was away');
  }, 120_000);
});
