import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { lines, run } from './run.ts';

const TRUSTS = ['lsp-trusts-client', 'client-trusts-lsp'];
const PARTS = ['1', '2', '3', '8'];
const MATRIX = TRUSTS.flatMap((trust) => PARTS.map((parts) => [trust, parts] as const));

function checkDone(events: Record<string, unknown>[], parts: string): Record<string, string> {
  const done = events.at(-1) as Record<string, string>;
  expect(done['event']).toBe('done');
  const amount = (name: string) => BigInt(done[`${name}_msat`]!);
  expect(amount('payment_size')).toBe(250_000_000n);
  expect(amount('received') + amount('extra_fee_total')).toBe(amount('payment_size'));
  expect(amount('extra_fee_total')).toBe(amount('opening_fee'));
  expect(Number(done['parts'])).toBe(Number(parts));
  expect(done['channel_id']).toMatch(/^[0-9a-f]{64}$/);
  expect(done['funding_txid']).toMatch(/^[0-9a-f]{64}$/);
  expect(Number(done['duration_ms'])).toBeGreaterThan(0);
  expect(events.filter(({ event }) => event === 'part_held')).toHaveLength(Number(parts));
  for (const name of events.flatMap((event) => Object.keys(event))) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
  return done;
}

describe('B: jit-invoice demo --json', () => {
  test.each(MATRIX)('%s, %s parts: every millisatoshi adds up', async (trust, parts) => {
    const result = await run('demo', '--amount', '250000sat', '--parts', parts, '--trust', trust, '--json');
    expect([result.code, result.stderr]).toEqual([0, '']);
    checkDone(lines(result), parts);
  });
});

const binary = findBitcoind();
// Runs in `.ci/run`, which installs a bitcoind; a newcomer's machine may have none, and `findBitcoind` has printed that.
describe.skipIf(binary === undefined)('B: jit-invoice demo --bitcoind', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(binary!);
  });
  afterAll(() => bitcoind.stop());
  test.each(MATRIX)('%s, %s parts: the funding transaction is in a block', async (trust, parts) => {
    const result = await run('demo', '--parts', parts, '--trust', trust, '--json', '--bitcoind', bitcoind.url);
    expect([result.code, result.stderr]).toEqual([0, '']);
    const done = checkDone(lines(result), parts);
    const confirmed = lines(result).find(({ event }) => event === 'funding_confirmed');
    expect(confirmed).toMatchObject({ funding_txid: done['funding_txid'] });
    expect(Number(confirmed!['height'])).toBeGreaterThan(100);
    expect(result.stdout).not.toContain(new URL(bitcoind.url).password);
  });
});

describe('C: the cheats end refused, and the payer has its money back', () => {
  test.each([
    ['overcharge', 'overcharged'],
    ['public-channel', 'public_channel'],
    ['unsolicited-channel', 'not_bought'],
  ])('%s', async (cheat, reason) => {
    const result = await run('demo', '--cheat', cheat, '--parts', '2', '--json');
    expect([result.code, result.stderr]).toEqual([6, '']);
    const refused = lines(result).at(-1)!;
    expect(refused).toMatchObject({ event: 'refused', reason });
    expect(refused['payer_balance_after_msat']).toBe(refused['payer_balance_before_msat']);
  });
});

describe('E: exit codes of a demo that ends otherwise', () => {
  test.each([
    [['--amount', '100sat'], 4, /below its minimum/],
    [['--amount', '20000000sat'], 4, /above its maximum/],
    [['--max-fee', '2499999msat'], 5, /above your limit of 2499999 msat/],
    [['--bitcoind', 'http://user:hunter2@127.0.0.1:1'], 1, /no bitcoind answers at http:\/\/127\.0\.0\.1:1/],
  ])('%s: %i', async (args, code, line) => {
    const result = await run('demo', ...args);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(line);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(result.stdout + result.stderr).not.toContain('hunter2');
  });
  test('--json tells the failure too', async () => {
    const result = await run('demo', '--amount', '100sat', '--json');
    expect(lines(result).at(-1)).toMatchObject({ event: 'failed', exit_code: 4 });
  });
});

test('the story for a person has the price, the promise and the sums', async () => {
  const { code, stdout } = await run('demo', '--parts', '2');
  expect(code).toBe(0);
  expect(stdout).toContain('The LSP charges 2,500 sat (1.00 %); 247,500 sat will arrive.');
  expect(stdout).toContain('2,500 sat were kept, 2,500 sat were promised.');
  expect(stdout).toContain('250,000 sat paid = 247,500 sat received + 2,500 sat for the channel');
  expect(stdout).not.toContain('\u001b[');
});
