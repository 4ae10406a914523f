import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseUri, type Purchase, sat } from 'lsps2';
import { network } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { toHex } from '../../lib/core/bytes.ts';
import { hashOf } from '../../lib/protocol/bolt11/preimage.ts';
import { rpcClient } from '../../lib/testing/chain/rpc.ts';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { lndFor } from './lndWorld.ts';
import type { LndNode } from './lndNode.ts';
import { startProxy } from './proxy.ts';
import { say, whatIsMissing } from './say.ts';

// An LSP that takes the preimage and never says so: lnd must claim on the chain before the HTLC runs out.

const AMOUNT = sat(250_000n);
/** lnd's coins for fees; a wallet without any can claim nothing. */
const COINS_BTC = 0.01;
const COINS_SAT = 1_000_000;
/** lnd goes to the chain so long before an HTLC runs out. */
const BROADCAST_BLOCKS = 10;
/** The LSP's `to_self_delay` on us, and some. */
const DELAY_BLOCKS = 150;
const SWEEP_BLOCKS_MAX = 60;

// Runs in `.ci/run`, which builds an lnd; a newcomer's machine may have none, and `whatIsMissing` has printed that.
describe.skipIf(whatIsMissing('lnd') !== undefined)('an LSP that is silent once it has the preimage', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
  });
  afterAll(() => bitcoind?.stop());

  test('gets the payment, and so do we: on the chain', async () => {
    const net = await network({ bitcoind: bitcoind.url, payerChannelSat: 2_000_000n });
    onTestFinished(() => net.close());
    const { nodeId, host, port } = parseUri(net.lsp.uri);
    const between = await startProxy(`${host}:${port}`);
    onTestFinished(() => between.close());
    const lsp = `${nodeId}@${between.address}`;
    const { lnd, start } = await lndFor(bitcoind.url, { lsp, lnd: ['--requireinterceptor'] });
    const program = await start();
    const preimage = toHex(new Uint8Array(randomBytes(32)));
    const purchase = await program.buy(AMOUNT, { paymentHash: hashOf(preimage) });
    const paying = net.payer.pay(purchase.invoice);
    await until(() => isHeld(purchase), 'the payment to be held');
    await give(lnd);
    await net.mine(6);
    await until(async () => (await coins(lnd)) === COINS_SAT, 'the coins');
    between.silence();
    await purchase.settle(preimage);
    await until(() => purchase.state.tag === 'claiming', 'the claim');
    const expiry = await answered(() => expiryOf(lnd));
    await mineTo(lnd, net.mine, expiry - BROADCAST_BLOCKS);
    await until(async () => (await closing(lnd)) > 0, 'lnd to go to the chain');
    for (let i = 0; i < BROADCAST_BLOCKS - 2; i++) await mineTo(lnd, net.mine, (await height(lnd)) + 1);
    // The LSP reads the preimage off the chain, as everybody may.
    expect(await paying).toEqual({ paid: true, preimage });
    await mineTo(lnd, net.mine, (await height(lnd)) + DELAY_BLOCKS);
    for (let blocks = 0; blocks < SWEEP_BLOCKS_MAX && (await closing(lnd)) > 0; blocks++) {
      await net.mine(1);
      // lnd sweeps between two blocks.
      await sleep(1_000);
    }
    // Less what the blocks cost.
    expect(await coins(lnd)).toBeGreaterThan(COINS_SAT + 50_000);
    expect(purchase.state).toMatchObject({ tag: 'claiming', received: sat(247_500n) });
    await until(() => purchase.alerts.includes('closed_while_claiming'), 'the alert');
    say(`lnd, an LSP that takes the preimage and is silent: claimed on the chain, ${await coins(lnd)} sat there now`);
  }, 240_000);

  const isHeld = ({ state }: Purchase) => state.tag === 'held' && state.until === 'preimage';
  const asked = async <T>(lnd: LndNode, ...args: readonly string[]) => JSON.parse(await lnd.cli(...args)) as T;
  const height = async (lnd: LndNode) => (await asked<{ block_height: number }>(lnd, 'getinfo')).block_height;
  const coins = async (lnd: LndNode) =>
    Number((await asked<{ confirmed_balance: string }>(lnd, 'walletbalance')).confirmed_balance);

  async function give(lnd: LndNode): Promise<void> {
    const { address } = await asked<{ address: string }>(lnd, 'newaddress', 'p2wkh');
    await rpcClient(bitcoind.url).wallet('lsps2-testing').call('sendtoaddress', address, COINS_BTC);
  }

  async function expiryOf(lnd: LndNode): Promise<number | undefined> {
    type Listed = { channels: { pending_htlcs: { expiration_height: number }[] }[] };
    return (await asked<Listed>(lnd, 'listchannels')).channels[0]?.pending_htlcs[0]?.expiration_height;
  }

  async function closing(lnd: LndNode): Promise<number> {
    type Pending = { waiting_close_channels: unknown[]; pending_force_closing_channels: unknown[] };
    const found = await asked<Pending>(lnd, 'pendingchannels');
    return found.waiting_close_channels.length + found.pending_force_closing_channels.length;
  }

  async function answered<T>(ask: () => Promise<T | undefined>): Promise<T> {
    let found: T | undefined;
    await until(async () => (found = await ask()) !== undefined, 'an answer');
    return found as T;
  }

  async function mineTo(lnd: LndNode, mine: (blocks: number) => Promise<unknown>, to: number): Promise<void> {
    const now = await height(lnd);
    if (to > now) await mine(to - now);
    await until(async () => (await height(lnd)) >= to, 'lnd to see the blocks');
  }
});
