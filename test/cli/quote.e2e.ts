import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatUri } from 'lsps2';
import { type NetworkOptions, network } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { encodePing } from '../../lib/protocol/bolt1/setup.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { type Script, scripted } from '../transports/scripted.ts';
import { lines, run } from './run.ts';
import { running } from './running.ts';

// B: `jit-invoice quote` as somebody types it, against a real LDK node on a real bitcoind where there is one, and peers that are not
// as they should be (E).

const AMOUNT = ['--amount', '100000sat'];
const DEAD = '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798@127.0.0.1:1';

const binary = findBitcoind();
let bitcoind: Bitcoind | undefined;
beforeAll(async () => {
  bitcoind = binary === undefined ? undefined : await startBitcoind(binary);
});
afterAll(() => bitcoind?.stop());

async function ldkLsp(options: NetworkOptions = {}): Promise<string> {
  const net = await network({ ...(bitcoind ? { bitcoind: bitcoind.url } : {}), ...options });
  onTestFinished(() => net.close());
  return net.lsp.uri;
}

describe('a real LDK node', () => {
  test('as JSON, in one command, with a fresh key', async () => {
    const uri = await ldkLsp();
    const ran = await run('quote', uri, ...AMOUNT, '--json');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const [told, ...more] = lines(ran);
    expect(more).toEqual([]);
    expect(told).toMatchObject({
      event: 'quoted',
      lsp: uri,
      protocols: '2',
      best: true,
      payment_size_msat: '100000000',
      opening_fee_msat: '1000000',
      net_msat: '99000000',
      fee_ppm: 10_000,
      menu_entries: 1,
      min_payment_size_msat: '2000000',
      max_payment_size_msat: '10000000000',
      max_client_to_self_delay_blocks: 2016,
      min_lifetime_blocks: 4320,
    });
    expect(Date.parse(String(told?.['valid_until']))).toBeGreaterThan(Date.now());
  });

  test('beside a dearer one and a dead one: a table, the cheapest marked, exit code 0', async () => {
    const [cheap, dear] = [await ldkLsp(), await ldkLsp({ policy: { proportionalPpm: 20_000 } })];
    const { code, stdout } = await run('quote', dear, DEAD, cheap, ...AMOUNT);
    const table = stdout.trimEnd().split('\n');
    expect(code).toBe(0);
    expect(table).toHaveLength(5);
    expect(table[0]).toMatch(/^LSP +fee +share +you get +least +most +valid until +your delay +lifetime +LSPS$/);
    expect(table[1]).toMatch(/^\w{10}\.\.@\S+ {4,}2,000 sat {2}2\.00 % {2}98,000 sat/);
    expect(table[2]).toMatch(/^\w{10}\.\.@\S+ \* {2}1,000 sat {2}1\.00 % {2}99,000 sat/);
    expect(table[3]).toBe('* the cheapest');
    expect(table[4]).toMatch(/^0279be667e\.\.@127\.0\.0\.1:1: nobody answers/);
  });

  test('says no: a token that it does not know, a payment that it does not take', async () => {
    const uri = await ldkLsp({ policy: { tokens: ['sesame'] } });
    expect(await run('quote', uri)).toMatchObject({ code: 4 });
    const [told] = lines(await run('quote', uri, '--token', 'open', '--json'));
    expect(told).toMatchObject({ event: 'unusable', code: 'rpc', reason: 'unrecognized_or_stale_token', exit_code: 4 });
    const small = await run('quote', uri, '--token', 'sesame', '--amount', '1sat');
    expect(small).toMatchObject({ code: 4, stdout: expect.stringContaining('below its minimum') as unknown });
    expect(await run('quote', uri, '--token', 'sesame', ...AMOUNT)).toMatchObject({ code: 0 });
  });

  test('the key of a file is the same each time, and its owner’s alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lsps2-key-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'key');
    const seen: unknown[] = [];
    const there = await scripted({ message: (type, _, caller) => void (type === 16 && seen.push(caller.remote)) });
    onTestFinished(() => there.close());
    const ask = () => run('quote', formatUri(there.uri), '--key', file, '--timeout', '1');
    expect(await ask()).toMatchObject({ code: 3 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const key = readFileSync(file, 'utf8');
    expect(await ask()).toMatchObject({ code: 3 });
    expect(readFileSync(file, 'utf8')).toBe(key);
    expect(seen).toHaveLength(2);
    expect(new Set(seen).size).toBe(1);
    writeFileSync(file, 'no key');
    const bad = await ask();
    expect(bad).toMatchObject({ code: 2, stdout: '' });
    expect(bad.stderr).not.toContain('no key\n');
  });

  test('by WebSocket, which `jit-invoice lsp --listen-ws` serves', async () => {
    const lsp = running('lsp', '--listen', '127.0.0.1:0', '--listen-ws', '127.0.0.1:0', '--json');
    const { ws_uri: uri = '' } = await lsp.line('listening');
    expect(uri).toMatch(/@ws:\/\/127\.0\.0\.1:\d+\/$/);
    const [told] = lines(await run('quote', uri, '--json', ...AMOUNT));
    expect(told).toMatchObject({ event: 'quoted', lsp: uri, opening_fee_msat: '1000000' });
    expect(await lsp.stop('SIGINT')).toBe(0);
  });
});

// E: each ends in time, by itself, with exit code 3, and one line that says why.
describe('a hostile peer', () => {
  const hostile: [what: string, script: Script, line: RegExp][] = [
    ['never answers', { at: () => false }, /did not finish the handshake|within 2 s/],
    ['is silent after init', {}, /did not answer within 2 s/],
    [
      'closes on accept',
      {
        at(_, { socket }) {
          socket.destroy();
          return false;
        },
      },
      /hung up/,
    ],
    [
      'floods gossip',
      flooding((c) => c.socket.write(Buffer.concat(Array.from({ length: 3_000 }, () => c.seal(257))))),
      /floods|lost before it answered/,
    ],
    [
      'floods pings',
      flooding((c) => c.socket.write(Buffer.concat(Array.from({ length: 3_000 }, () => c.seal(18, encodePing(100)))))),
      /floods|lost before it answered/,
    ],
    [
      'sends 65,535 bytes again and again',
      flooding((c) => void Array.from({ length: 200 }, () => c.send(60_001, new Uint8Array(65_533)))),
      /floods|lost before it answered/,
    ],
    ['answers one byte a second', dripping(), /did not finish the handshake|within 2 s/],
  ];
  test.each(hostile)('that %s', async (_, script, line) => {
    const there = await scripted(script);
    onTestFinished(() => there.close());
    const begun = Date.now();
    const { code, stdout, stderr } = await run('quote', formatUri(there.uri), '--timeout', '2');
    expect(stdout).toMatch(line);
    expect([code, stdout.trimEnd().split('\n').length, stderr]).toEqual([3, 1, '']);
    expect(Date.now() - begun).toBeLessThan(20_000);
  });

  function flooding(send: (caller: Parameters<NonNullable<Script['message']>>[2]) => void): Script {
    return { message: (type, _, caller) => void (type === 16 && send(caller)) };
  }
  function dripping(): Script {
    return {
      at(step, { socket }) {
        if (step !== 'act one') return true;
        const drip = setInterval(() => socket.write(Uint8Array.of(0)), 1_000);
        socket.on('close', () => clearInterval(drip));
        return false;
      },
    };
  }
});
