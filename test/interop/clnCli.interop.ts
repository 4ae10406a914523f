import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { network, type TestNetwork } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { lines, run } from '../cli/run.ts';
import { running } from '../cli/running.ts';
import { type ClnNode, findLightningd, startCln } from './clnNode.ts';
import { installedPlugin } from './clnWorld.ts';
import { say, whatIsMissing } from './say.ts';

// `jit-invoice receive --node cln` and `doctor --node cln`, built, in processes of their own.

const PAID = { gross_msat: '250000000', extra_fee_total_msat: '2500000', received_msat: '247500000' };

// Core Lightning comes in no package that `.ci/run` could install; `whatIsMissing` has printed that there is none.
describe.skipIf(whatIsMissing('lightningd') !== undefined)('jit-invoice on Core Lightning', () => {
  let bitcoind: Bitcoind;
  let net: TestNetwork;
  let cln: ClnNode;
  const plugin = installedPlugin((f) => afterAll(f));
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
    net = await network({ bitcoind: bitcoind.url, payerChannels: 3, payerChannelSat: 2_000_000n });
    const more = ['--experimental-lsps-client', `--plugin=${plugin}`];
    cln = await startCln(findLightningd()!, { bitcoind: bitcoind.url, role: 'wallet', more });
  });
  afterAll(async () => {
    await cln?.stop();
    await net?.close();
    await bitcoind?.stop();
  });

  const at = (node: ClnNode) => ['--node', 'cln', '--rpc', node.address, '--certs', node.folder];
  const WHAT = ['--amount', '250000sat', '--max-fee', '10000sat', '--yes', '--json'];
  const args = (...more: readonly string[]) => ['receive', net.lsp.uri, ...at(cln), ...WHAT, ...more];
  function folder(): string {
    const data = mkdtempSync(join(tmpdir(), 'lsps2-receive-cln-'));
    onTestFinished(() => rmSync(data, { recursive: true, force: true }));
    return data;
  }

  test('is paid in three parts, and told as lightningd’s books have it', async () => {
    const wallet = running(...args());
    expect(await wallet.line('wallet_started')).toMatchObject({
      node: 'cln',
      gates: 'plugin',
      version: expect.stringMatching(/^v/),
    });
    const { invoice = '' } = await wallet.line('invoice');
    expect(await net.payer.pay(invoice, { parts: 3 })).toMatchObject({ paid: true });
    expect(await wallet.line('received')).toMatchObject(PAID);
    expect(await wallet.ended).toBe(0);
    expect(JSON.stringify(await cln.rpc('listinvoices'))).toContain('"amount_received_msat":247500000');
    say('jit-invoice receive --node cln: paid in 3 parts, exit code 0');
  });

  test('killed with its invoice out: paid without it, which the next run tells', async () => {
    const first = running(...args());
    const { invoice = '' } = await first.line('invoice');
    await first.stop('SIGKILL');
    expect(await net.payer.pay(invoice)).toMatchObject({ paid: true });
    const second = running(...args());
    expect(await second.line('received_before')).toMatchObject(PAID);
    expect((await second.line('invoice'))['invoice']).not.toBe(invoice);
    await second.stop('SIGINT');
    // It is told once.
    const third = running(...args());
    await third.line('invoice');
    await third.stop('SIGINT');
    expect(third.lines().some(({ event }) => event === 'received_before')).toBe(false);
  });

  test('--gates stock: paid', async () => {
    const wallet = running(...args('--gates', 'stock', '--data', folder()));
    expect(await wallet.line('wallet_started')).toMatchObject({ gates: 'stock' });
    const { invoice = '' } = await wallet.line('invoice');
    expect(await net.payer.pay(invoice, { parts: 2, extraBlocks: 40 })).toMatchObject({ paid: true });
    expect(await wallet.line('received')).toMatchObject(PAID);
    expect(await wallet.ended).toBe(0);
    say('jit-invoice receive --node cln --gates stock: paid in 2 parts, exit code 0');
  });

  describe('jit-invoice doctor', () => {
    const examine = async (node: ClnNode, ...more: readonly string[]) => {
      const done = await run('doctor', ...at(node), ...more, '--json');
      const grades = Object.fromEntries(lines(done).map(({ check, grade }) => [check, grade]));
      return { code: done.code, grades, person: await run('doctor', ...at(node), ...more) };
    };
    const WELL = {
      connection: 'good',
      version: 'good',
      synced: 'good',
      'min-capacity-sat': 'good',
      to_self_delay: 'good',
    };

    test('finds a lightningd that is well', async () => {
      const { code, grades, person } = await examine(cln);
      // It runs both here.
      expect(grades).toEqual({ ...WELL, gates: 'good', 'cln-lsps-client': 'risk' });
      expect([code, person.code]).toEqual([0, 0]);
      expect(person.stdout).toContain('every channel, part and fee is verified');
    });

    test('tells what the stock plugin does not verify', async () => {
      const { code, grades } = await examine(cln, '--gates', 'stock');
      expect(grades).toEqual({ ...WELL, gates: 'risk' });
      expect(code).toBe(0);
    });

    test('tells what is missing, and how to mend it', async () => {
      const plain = await startCln(findLightningd()!, { bitcoind: bitcoind.url, role: 'wallet' });
      onTestFinished(() => plain.stop());
      const { code, grades, person } = await examine(plain);
      expect(grades).toMatchObject({ connection: 'good', gates: 'bad' });
      expect(code).toBe(1);
      expect(person.stdout).toContain('lightning-cli plugin start');
      const stock = await examine(plain, '--gates', 'stock');
      expect(stock.grades).toMatchObject({ gates: 'bad' });
      expect(stock.person.stdout).toContain('experimental-lsps-client');
    });

    test('certificates of another lightningd, a folder without any, nobody there: each says so', async () => {
      const other = await startCln(findLightningd()!, { bitcoind: bitcoind.url, role: 'wallet' });
      onTestFinished(() => other.stop());
      const wrong = await run('doctor', '--node', 'cln', '--rpc', cln.address, '--certs', other.folder);
      expect([wrong.code, wrong.stdout]).toEqual([1, expect.stringContaining('we do not agree on certificates')]);
      expect(wrong.stdout).toContain('are the files in --certs those of this lightningd');
      const none = await run('doctor', '--node', 'cln', '--rpc', cln.address, '--certs', folder());
      expect(none.stdout).toMatch(/ca\.pem cannot be read/);
      const nobody = await run('doctor', '--node', 'cln', '--rpc', '127.0.0.1:1', '--certs', cln.folder);
      expect(nobody.stdout).toContain('does not answer');
      for (const { stdout, stderr } of [wrong, none, nobody]) expect(stdout + stderr).not.toContain('BEGIN');
    });
  });
});
