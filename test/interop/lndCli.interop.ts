import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { network, type TestNetwork } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { lines, run } from '../cli/run.ts';
import { running } from '../cli/running.ts';
import { findLnd, type LndNode, startLnd } from './lndNode.ts';
import { say, whatIsMissing } from './say.ts';

// `jit-invoice receive --node lnd`, built, in a process of its own.

// Runs in `.ci/run`, which builds an lnd; a newcomer's machine may have none, and `whatIsMissing` has printed that.
describe.skipIf(whatIsMissing('lnd') !== undefined)('jit-invoice receive --node lnd', () => {
  let bitcoind: Bitcoind;
  let net: TestNetwork;
  let lnd: LndNode;
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
    net = await network({ bitcoind: bitcoind.url });
    lnd = await startLnd(findLnd()!, { bitcoind: bitcoind.url });
  });
  afterAll(async () => {
    await lnd?.stop();
    await net?.close();
    await bitcoind?.stop();
  });

  function args(change: { readonly macaroon?: string } = {}): string[] {
    const data = mkdtempSync(join(tmpdir(), 'lsps2-receive-lnd-'));
    onTestFinished(() => rmSync(data, { recursive: true, force: true }));
    const { certificateFile, macaroonFile } = lnd.files;
    const at = [
      '--rpc',
      lnd.credentials.address,
      '--tls-cert',
      certificateFile,
      '--macaroon',
      change.macaroon ?? macaroonFile,
    ];
    const what = ['--amount', '250000sat', '--max-fee', '10000sat', '--yes', '--json', '--data', data];
    return ['receive', net.lsp.uri, '--node', 'lnd', ...at, ...what];
  }

  test('is paid in three parts, and told as lnd’s books have it', async () => {
    const wallet = running(...args());
    expect(await wallet.line('wallet_started')).toMatchObject({ node: 'lnd', version: expect.stringMatching(/^0\./) });
    const { invoice = '' } = await wallet.line('invoice');
    expect(await net.payer.pay(invoice, { parts: 3 })).toMatchObject({ paid: true });
    expect(await wallet.line('received')).toMatchObject({
      gross_msat: '250000000',
      extra_fee_total_msat: '2500000',
      received_msat: '247500000',
    });
    expect(await wallet.ended).toBe(0);
    expect(await lnd.cli('listchannels')).toMatch(/"total_satoshis_received": +"247500"/);
    say('jit-invoice receive --node lnd: paid in 3 parts, exit code 0');
  });

  test('killed with its invoice out, and started again on its folder: it goes on, and is paid', async () => {
    const given = args();
    const first = running(...given);
    const { invoice = '' } = await first.line('invoice');
    await first.stop('SIGKILL');
    // Nobody is there: lnd takes the LSP's channel as it takes anybody's, with confirmations, and the LSP does not wait so long.
    expect(await net.payer.pay(invoice)).toMatchObject({ paid: false });
    await net.mine(6);
    const second = running(...given);
    expect((await second.line('invoice'))['invoice']).toBe(invoice);
    expect(await net.payer.pay(invoice)).toEqual({ paid: true, preimage: expect.any(String) });
    expect(await second.line('received')).toMatchObject({ received_msat: '247500000' });
    expect(await second.ended).toBe(0);
    await until(async () => (await lnd.cli('listchannels')).includes('"active"'), 'lnd');
  });

  test('a macaroon that may not do it: one line, exit code 1, and nothing of the macaroon', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lsps2-macaroon-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const macaroon = join(folder, 'info.macaroon');
    const hex = await lnd.cli('bakemacaroon', 'uri:/lnrpc.Lightning/GetInfo');
    writeFileSync(macaroon, Buffer.from(hex, 'hex'));
    const { code, stdout, stderr } = await run(...args({ macaroon }));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^jit-invoice: node: lnd at 127\.0\.0\.1:\d+ does not permit that to these credentials: ListChannels .*\n$/,
    );
    expect(stdout + stderr).not.toContain(hex.slice(0, 24));
  });

  describe('jit-invoice doctor', () => {
    const examine = async (at: LndNode, macaroon = at.files.macaroonFile) => {
      const given = ['--rpc', at.credentials.address, '--tls-cert', at.files.certificateFile, '--macaroon', macaroon];
      const done = await run('doctor', ...given, '--json');
      const grades = Object.fromEntries(lines(done).map(({ check, grade }) => [check, grade]));
      return { code: done.code, grades, person: await run('doctor', ...given) };
    };

    test('finds an lnd that is well, and tells its one risk', async () => {
      const invoices = await lnd.cli('listinvoices');
      const { code, grades, person } = await examine(lnd);
      expect(grades).toEqual({
        connection: 'good',
        version: 'good',
        synced: 'good',
        'zero-conf': 'good',
        requireinterceptor: 'risk',
        permissions: 'good',
        to_self_delay: 'good',
        minchansize: 'unknown',
        coins: 'unknown',
        maxpendingchannels: 'unknown',
      });
      expect([code, person.code]).toEqual([0, 0]);
      expect(person.stdout).toContain('requireinterceptor=true in lnd.conf');
      // That it may make an invoice was tried without making one.
      expect(await lnd.cli('listinvoices')).toBe(invoices);
    });

    test('tells what is missing, and how to mend it', async () => {
      const plain = await startLnd(findLnd()!, { bitcoind: bitcoind.url, zeroConf: false });
      onTestFinished(() => plain.stop());
      const { code, grades, person } = await examine(plain);
      expect(grades).toMatchObject({ connection: 'good', 'zero-conf': 'bad' });
      expect(code).toBe(1);
      expect(person.stdout).toContain('protocol.zero-conf=true');
    });

    test('a macaroon that may do too little', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'lsps2-macaroon-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const macaroon = join(folder, 'info.macaroon');
      writeFileSync(macaroon, Buffer.from(await lnd.cli('bakemacaroon', 'uri:/lnrpc.Lightning/GetInfo'), 'hex'));
      const { code, grades, person } = await examine(lnd, macaroon);
      expect(grades).toMatchObject({ connection: 'good', permissions: 'bad' });
      expect(code).toBe(1);
      expect(person.stdout).toContain('docs/lnd.md bakes the macaroon');
    });
  });
});
