import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sat } from 'lsps2';
import { network, type NetworkOptions } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { lines, run } from './run.ts';
import { running } from './running.ts';

// `jit-invoice receive` in a process of its own, on the same regtest as the LSP and the payer of this one.

const binary = findBitcoind();
const limit = (more: readonly string[]) => (more.includes('--max-fee') ? [] : ['--max-fee', '10000sat']);

// Runs in `.ci/run`, which installs a bitcoind; a newcomer's machine may have none, and `findBitcoind` has printed that.
describe.skipIf(binary === undefined)('jit-invoice receive, on a real regtest bitcoind', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(binary!);
  });
  afterAll(() => bitcoind.stop());

  async function world(options: NetworkOptions = {}) {
    const net = await network({ bitcoind: bitcoind.url, ...options });
    const folder = mkdtempSync(join(tmpdir(), 'lsps2-receive-'));
    onTestFinished(async () => {
      await net.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const args = (...more: string[]) => [
      'receive',
      net.lsp.uri,
      '--bitcoind',
      bitcoind.url,
      '--json',
      '--yes',
      ...limit(more),
      ...more,
    ];
    return { net, args, data: join(folder, 'data') };
  }

  test('is paid: gross, fee and net add up, on both sides', async () => {
    const { net, args } = await world();
    const before = net.payer.balance();
    const wallet = running(...args('--amount', '250000sat', '--description', 'coffee'));
    expect(await wallet.line('quoted')).toMatchObject({ opening_fee_msat: '2500000', net_msat: '247500000' });
    const { invoice = '' } = await wallet.line('invoice');
    expect(await net.payer.pay(invoice, { parts: 3 })).toMatchObject({ paid: true });
    expect(await wallet.line('received')).toMatchObject({
      gross_msat: '250000000',
      extra_fee_total_msat: '2500000',
      received_msat: '247500000',
    });
    expect(await wallet.ended).toBe(0);
    await until(() => before - net.payer.balance() === 250_000_000n, 'the payer’s books');
  });

  test('any amount, the payer decides', async () => {
    const { net, args } = await world();
    const wallet = running(...args());
    expect(await wallet.line('quoted_any')).toMatchObject({ min_fee_msat: '1000000', proportional_ppm: 10_000 });
    const { invoice = '' } = await wallet.line('invoice');
    expect(await net.payer.payParts(invoice, [sat(300_000n)])).toMatchObject({ paid: true });
    expect(await wallet.line('received')).toMatchObject({
      extra_fee_total_msat: '3000000',
      received_msat: '297000000',
    });
  });

  test('killed with its invoice out, and started again on its folder: it goes on, and is paid', async () => {
    const { net, args, data } = await world();
    const more = ['--amount', '100000sat', '--data', data];
    const first = running(...args(...more));
    const { invoice = '' } = await first.line('invoice');
    await first.stop('SIGKILL');
    const again = running(...args(...more));
    expect(await again.line('going_on')).toMatchObject({ state: 'waiting' });
    expect((await again.line('invoice'))['invoice']).toBe(invoice);
    expect(await net.payer.pay(invoice)).toMatchObject({ paid: true });
    expect(await again.line('received')).toMatchObject({ received_msat: '99000000' });
    expect(await again.ended).toBe(0);
  });

  test('an LSP that keeps 1 msat more is refused, and nobody pays rightly in time: exit code 6', async () => {
    const { net, args } = await world({ misbehave: 'overcharges' });
    const before = net.payer.balance();
    const wallet = running(...args('--amount', '100000sat', '--timeout', '15'));
    const { invoice = '' } = await wallet.line('invoice');
    expect(await net.payer.pay(invoice)).toMatchObject({ paid: false });
    expect(await wallet.line('turned_away')).toMatchObject({ what: 'payment', reason: 'overcharged' });
    expect(await wallet.ended).toBe(6);
    await until(() => net.payer.balance() === before, 'the payer to have its money back');
  });

  test('limits, a trust model that is not wanted, a dead LSP: nothing is bought', async () => {
    const { net, args } = await world();
    const told = async (...more: string[]) => {
      const ran = await run(...args(...more));
      return [ran.code, lines(ran).at(-1)];
    };
    expect(await told('--amount', '100000sat', '--max-fee', '999sat')).toMatchObject([
      5,
      { event: 'failed', exit_code: 5 },
    ]);
    expect(await told('--amount', '100000sat', '--trust', 'client-trusts-lsp')).toMatchObject([5, { event: 'failed' }]);
    expect(await told('--amount', '1sat')).toMatchObject([4, { event: 'failed' }]);
    expect(net.lsp.purchases().filter((each) => each.paid)).toEqual([]);
    const dead = await run(
      'receive',
      '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798@127.0.0.1:1',
      ...args().slice(2),
    );
    expect(dead.code).toBe(3);
  });
});
