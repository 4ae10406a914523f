import { PassThrough } from 'node:stream';
import type { HookedWallet } from 'lsps2/cln';
import { describe, expect, test } from 'vitest';
import { runPlugin, type Started } from '../../examples/cln-plugin/host.ts';
import { MANIFEST } from '../../examples/cln-plugin/manifest.ts';
import { settled } from '../manualClock.ts';

// lightningd ends over an answer to a hook that it does not know, and over an error: neither is ever given.

const HOOKS = MANIFEST.hooks.map(({ name }) => name);

function plugin(wallet: Partial<HookedWallet>, start?: () => Promise<Started>) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const answers = new Map<unknown, { result?: { result?: string }; error?: object }>();
  const exits: number[] = [];
  const logged: string[] = [];
  output.on('data', (text: Buffer) => {
    for (const piece of text.toString().split('\n\n').filter(Boolean)) {
      const { id, params, ...answer } = JSON.parse(piece) as {
        id?: unknown;
        params?: { message: string };
        result?: object;
      };
      if (id === undefined) logged.push(params!.message);
      else answers.set(id, answer);
    }
  });
  const heard: string[] = [];
  runPlugin({
    input,
    output,
    exit: (code) => exits.push(code),
    start: async (_, told) => {
      told.onCustomMessage((from, payload) => {
        if (payload === 'bad') throw new Error('bad');
        heard.push(`${from} ${payload}`);
      });
      told.onNotification((method) => {
        if (method === 'disconnect') throw new Error('bad');
        heard.push(method);
      });
      return (
        (await start?.()) ?? {
          wallet: wallet as HookedWallet,
          methods: { 'lsps2-purchases': () => ({ purchases: [] }) },
        }
      );
    },
  });
  const say = (message: object) => input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
  return { input, say, answers, exits, heard, logged };
}
const init = { id: 'init', method: 'init', params: { options: {}, configuration: {} } };

describe('the plugin', () => {
  test('tells lightningd what it is, and what it asks to be told', async () => {
    const { say, answers } = plugin({});
    say({ id: 1, method: 'getmanifest', params: {} });
    await settled();
    expect(answers.get(1)).toMatchObject({
      result: { hooks: [{ name: 'htlc_accepted' }, { name: 'openchannel' }, { name: 'custommsg' }], dynamic: true },
    });
  });

  test.each([
    [
      'that throws',
      () => {
        throw new Error('x');
      },
    ],
    ['that rejects', () => Promise.reject(new Error('x'))],
  ])('a wallet %s, and requests that make no sense: every answer is one that lightningd knows', async (_, bad) => {
    const { say, answers } = plugin({ htlcAccepted: bad, openChannel: bad, channelsChanged: () => undefined });
    const garbage = [
      undefined,
      null,
      [],
      {},
      'x',
      7,
      { openchannel: 1 },
      { htlc: null, onion: [] },
      { peer_id: 1, payload: 'bad' },
    ];
    const requests = HOOKS.flatMap((method) => garbage.map((params) => ({ method, params })));
    // Before `init`, and after.
    for (const [i, each] of requests.entries()) say({ id: `before ${i}`, ...each });
    say(init);
    for (const [i, each] of requests.entries()) say({ id: `after ${i}`, ...each });
    await settled();
    for (const when of ['before', 'after'])
      for (const [i, { method }] of requests.entries()) {
        const answer = answers.get(`${when} ${i}`);
        expect(answer?.error).toBeUndefined();
        expect([method, answer?.result?.result]).toEqual([method, 'continue']);
      }
  });

  test('what comes while it is starting waits, and is answered then', async () => {
    let ready: (started: Started) => void = () => undefined;
    const { say, answers } = plugin({}, () => new Promise((resolve) => (ready = resolve)));
    say(init);
    say({ id: 1, method: 'htlc_accepted', params: {} });
    await settled();
    expect(answers.get('init')).toMatchObject({ result: {} });
    expect(answers.get(1)).toBeUndefined();
    ready({ wallet: { htlcAccepted: async () => ({ result: 'fail', failure_message: '0017' }) } as never });
    await settled();
    expect(answers.get(1)).toMatchObject({ result: { result: 'fail', failure_message: '0017' } });
  });

  test('one that cannot start ends, and what it was asked goes on without it', async () => {
    const { say, answers, exits, logged } = plugin({}, () => Promise.reject(new Error('no socket')));
    say(init);
    say({ id: 1, method: 'htlc_accepted', params: {} });
    await settled();
    expect(exits).toEqual([1]);
    expect(logged.join()).toContain('no socket');
    expect(answers.get(1)).toMatchObject({ result: { result: 'continue' } });
  });

  test('messages and notifications are passed on; what cannot be read ends nothing', async () => {
    const { say, heard, logged, exits } = plugin({ channelsChanged: () => void heard.push('channels') });
    say(init);
    await settled();
    say({ id: 1, method: 'custommsg', params: { peer_id: 'p', payload: '9419' } });
    say({ method: 'disconnect', params: {} });
    say({ method: 'channel_state_changed', params: {} });
    await settled();
    expect(heard).toEqual(['p 9419', 'channel_state_changed', 'channels']);
    expect(logged.join()).toContain('notification_unread');
    say({ method: 'shutdown', params: {} });
    await settled();
    expect(exits).toEqual([0]);
  });

  test('its own method is answered, others are refused; it ends with lightningd', async () => {
    const { input, say, answers, exits } = plugin({});
    say(init);
    say({ id: 1, method: 'lsps2-purchases', params: {} });
    say({ id: 2, method: 'stop', params: {} });
    await settled();
    expect(answers.get(1)).toMatchObject({ result: { purchases: [] } });
    expect(answers.get(2)).toMatchObject({ error: { code: -32_603 } });
    input.end();
    await settled();
    expect(exits).toEqual([0]);
  });
});
