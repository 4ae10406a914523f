import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bitcoindView, esploraView } from 'lsps2/chain';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { txid } from '../../lib/core/ids.ts';

// Real HTTP; what a real bitcoind answers is looked at in test/e2e/bitcoind.e2e.ts.

const OUTPUT = { txid: txid('ab'.repeat(32)), vout: 1 };
const SCRIPT = `0020${'cd'.repeat(32)}`;
let server: Server;
let at = '';
let seen: { url: string; authorization: string | undefined; body: string }[] = [];
let answers: Record<string, [status: number, text: string]> = {};

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => (body += String(data)));
    request.on('end', () => {
      seen.push({ url: request.url ?? '', authorization: request.headers.authorization, body });
      const [status, text] = answers[request.url ?? ''] ?? [404, 'not found'];
      if (status === 0) return; // never answers
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  seen = [];
  answers = {};
});

describe('bitcoind', () => {
  const view = () => bitcoindView(`http://us%65r:pass%3Aword@${at}`);
  const result = (value: unknown) => [200, JSON.stringify({ result: value, error: null })] as [number, string];

  test('asks for the output, the mempool included, and reads amounts exactly', async () => {
    answers['/'] = result({ value: 0.12345679, confirmations: 3, scriptPubKey: { hex: SCRIPT } });
    expect(await view().output(OUTPUT)).toEqual({ script: SCRIPT, value: 12_345_679n, confirmations: 3 });
    expect(JSON.parse(seen[0]!.body)).toMatchObject({ method: 'gettxout', params: [OUTPUT.txid, 1, true] });
    expect(seen[0]!.authorization).toBe(`Basic ${Buffer.from('user:pass:word').toString('base64')}`);
  });
  test('what is not there is undefined', async () => {
    answers['/'] = result(null);
    expect(await view().output(OUTPUT)).toBeUndefined();
  });
  test.each<[string, [number, string], RegExp]>([
    ['a wrong password', [401, ''], /refuses the user or password/],
    ['something else', [200, '<html>'], /not as it should/],
    ['an error', [500, JSON.stringify({ result: null, error: { code: -28, message: 'Loading' } })], /cannot say/],
    ['a value that is none', result({ value: '1', confirmations: 0, scriptPubKey: { hex: '' } }), /not as it should/],
  ])('%s is told without the password', async (_, answer, words) => {
    answers['/'] = answer;
    const told = view().output(OUTPUT);
    await expect(told).rejects.toMatchObject({ code: 'transport', message: expect.stringMatching(words) });
    await expect(told).rejects.toMatchObject({ message: expect.not.stringContaining('pass:') });
  });
  test('nobody there', async () => {
    await expect(bitcoindView('http://a:b@127.0.0.1:1').output(OUTPUT)).rejects.toMatchObject({ reason: 'offline' });
    expect(() => bitcoindView('http://127.0.0.1:8332')).toThrow(TypeError);
  });
  test('can be given up', async () => {
    answers['/'] = [0, ''];
    const controller = new AbortController();
    const asked = view().output(OUTPUT, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });
});

describe('Esplora', () => {
  const view = () => esploraView(`http://${at}/api/`);
  const transaction = (status: object) =>
    [200, JSON.stringify({ vout: [{}, { scriptpubkey: SCRIPT, value: 12_345_679 }], status })] as [number, string];
  const unspent: [number, string] = [200, '{"spent":false}'];

  test('in the mempool', async () => {
    answers = {
      [`/api/tx/${OUTPUT.txid}`]: transaction({ confirmed: false }),
      [`/api/tx/${OUTPUT.txid}/outspend/1`]: unspent,
    };
    expect(await view().output(OUTPUT)).toEqual({ script: SCRIPT, value: 12_345_679n, confirmations: 0 });
  });
  test('in a block', async () => {
    answers = {
      [`/api/tx/${OUTPUT.txid}`]: transaction({ confirmed: true, block_height: 100 }),
      [`/api/tx/${OUTPUT.txid}/outspend/1`]: unspent,
      '/api/blocks/tip/height': [200, '105'],
    };
    expect(await view().output(OUTPUT)).toMatchObject({ confirmations: 6 });
  });
  test('spent, unknown, or not among its outputs', async () => {
    expect(await view().output(OUTPUT)).toBeUndefined();
    answers = {
      [`/api/tx/${OUTPUT.txid}`]: transaction({ confirmed: false }),
      [`/api/tx/${OUTPUT.txid}/outspend/1`]: [200, '{"spent":true}'],
    };
    expect(await view().output(OUTPUT)).toBeUndefined();
    expect(await view().output({ ...OUTPUT, vout: 7 })).toBeUndefined();
  });
  test('an angry server, and one that talks nonsense', async () => {
    answers = { [`/api/tx/${OUTPUT.txid}`]: [429, 'slow down'] };
    await expect(view().output(OUTPUT)).rejects.toMatchObject({ code: 'transport', retryable: true });
    answers = { [`/api/tx/${OUTPUT.txid}`]: [200, 'null'] };
    await expect(view().output(OUTPUT)).rejects.toMatchObject({ code: 'transport', retryable: false });
  });
});
