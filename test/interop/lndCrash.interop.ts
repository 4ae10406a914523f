import { randomBytes } from 'node:crypto';
import { type Purchase, sat } from 'lsps2';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '../../lib/core/bytes.ts';
import { hashOf } from '../../lib/protocol/bolt11/preimage.ts';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { afterwards } from './afterwards.ts';
import { run } from '../cli/run.ts';
import { lndWorld } from './lndWorld.ts';
import { whatIsMissing } from './say.ts';

// D: whatever breaks while parts are held, the invoice is paid once, or failed and refunded.

const AMOUNT = sat(250_000n);
/** More than the minute that an incomplete set is held. */
const HELD_AGAIN_MS = 75_000;

// Runs in `.ci/run`, which builds an lnd; a newcomer's machine may have none, and `whatIsMissing` has printed that.
describe.skipIf(whatIsMissing('lnd') !== undefined)('an lnd whose parts are held', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
  });
  afterAll(() => bitcoind?.stop());

  /** A payment in three parts that waits for its preimage. */
  async function held(requires: boolean) {
    const world = await lndWorld(bitcoind.url, requires ? { lnd: ['--requireinterceptor'] } : {});
    const program = await world.start();
    expect(program.node.requiresInterceptor).toBe(requires);
    const preimage = toHex(new Uint8Array(randomBytes(32)));
    const purchase = await program.buy(AMOUNT, { paymentHash: hashOf(preimage) });
    const before = world.net.payer.balance();
    const paying = world.net.payer.pay(purchase.invoice, { parts: 3 });
    await until(() => isHeld(purchase), 'all parts to be held');
    return { world, program, preimage, purchase, before, paying };
  }
  const isHeld = ({ state }: Purchase) => state.tag === 'held' && state.until === 'preimage';

  const breaks = ['the program is killed', 'lnd is killed', 'the stream is cut'] as const;
  test.each(breaks.flatMap((what) => [true, false].map((requires) => ({ what, requires }))))(
    '$what; requireinterceptor=$requires',
    async ({ what, requires }) => {
      const { world, program, preimage, purchase, before, paying } = await held(requires);
      const { payer } = world.net;
      let now = program;
      if (what === 'the program is killed') {
        await program.stop();
        // Without the flag lnd lets the parts go on at once, to a channel that does not exist.
        if (!requires) await until(() => payer.balance() === before, 'the payer to have its money back');
        now = await world.start();
      } else if (what === 'lnd is killed') {
        await world.lnd.kill();
        await world.lnd.start();
      } else {
        world.proxy.cut();
        await sleep(1_000);
        world.proxy.mend();
      }
      const mine = () => now.jit.purchases().find(({ paymentHash }) => paymentHash === purchase.paymentHash)!;
      const isBack = () => isHeld(mine()) && now.wallet.isConnected(world.net.lsp.node.nodeId);
      // Without the flag it is a matter of who is there first: lnd, which lets the parts go, or the program.
      const outcome = requires ? undefined : await Promise.race([paying, sleep(HELD_AGAIN_MS)]);
      if (outcome === undefined) await until(isBack, 'the parts to be held again');
      const told = `lnd, ${what}, requireinterceptor=${requires}`;
      const { buy } = now;
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

  test('the doctor, as any other program of ours, leaves alone what lnd keeps for a wallet that is away', async () => {
    const { world, program, preimage, purchase, paying } = await held(true);
    await program.stop();
    const { files, credentials } = world.lnd;
    const at = ['--rpc', credentials.address, '--tls-cert', files.certificateFile, '--macaroon', files.macaroonFile];
    expect((await run('doctor', ...at, '--json')).code).toBe(0);
    const again = await world.start();
    const mine = () => again.jit.purchases().find(({ paymentHash }) => paymentHash === purchase.paymentHash)!;
    await until(() => isHeld(mine()), 'the parts to be held again');
    await mine().settle(preimage);
    expect(await paying).toEqual({ paid: true, preimage });
    expect(await mine().outcome()).toMatchObject({ tag: 'paid', received: sat(247_500n) });
  });
});
