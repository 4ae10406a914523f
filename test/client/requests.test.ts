import { type NodeId, RpcError, TransportError } from 'lsps2';
import { describe, expect, test } from 'vitest';
import { type Requests, requests } from '../../lib/client/requests.ts';
import { DecodeError } from '../../lib/core/errors.ts';
import { encodeUtf8 } from '../../lib/core/utf8.ts';
import { systemRandom } from '../../lib/platform/random.ts';
import type { PeerMessages } from '../../lib/ports/peerMessages.ts';
import { decodeFrame, encodeFrame } from '../../lib/protocol/lsps0/frame.ts';
import { object } from '../../lib/protocol/lsps0/json.ts';
import { decodeRequest, encodeError, encodeResult } from '../../lib/protocol/lsps0/jsonRpc.ts';
import { type ManualClock, manualClock, settled } from '../manualClock.ts';

const lsp = { nodeId: `02${'11'.repeat(32)}` as NodeId, host: '127.0.0.1', port: 9735 };
const other = `03${'22'.repeat(32)}` as NodeId;

interface Fake {
  asked: Requests;
  clock: ManualClock;
  /** What the client sent. */
  sent: Uint8Array[];
  say(payload: Uint8Array, from?: NodeId): void;
  hangUp(): void;
  log: string[];
}

function fake(change: Partial<PeerMessages> = {}): Fake {
  const sent: Uint8Array[] = [];
  const log: string[] = [];
  let message: Parameters<PeerMessages['onMessage']>[0] = () => undefined;
  let gone: (peer: NodeId) => void = () => undefined;
  const node: PeerMessages = {
    connect: async () => undefined,
    isConnected: () => true,
    send: async (_, __, payload) => void sent.push(payload),
    onMessage(f) {
      message = f;
      return () => undefined;
    },
    onConnected: () => () => undefined,
    onDisconnected(f) {
      gone = f;
      return () => undefined;
    },
    ...change,
  };
  const clock = manualClock();
  const asked = requests({ node, clock, random: systemRandom, log: ({ event }) => log.push(event) });
  return {
    asked,
    clock,
    sent,
    log,
    say: (payload, from = lsp.nodeId) => message(from, 37_913, payload),
    hangUp: () => gone(lsp.nodeId),
  };
}

const silentNode: PeerMessages = {
  connect: async () => undefined,
  isConnected: () => true,
  send: async () => undefined,
  onMessage: () => () => undefined,
  onConnected: () => () => undefined,
  onDisconnected: () => () => undefined,
};
const idOf = (payload: Uint8Array) => decodeRequest(decodeFrame(payload)).id;
const ask = (f: Fake) => f.asked.ask(lsp, 'lsps2.get_info', object({}));

describe('a request', () => {
  test('is answered by the response with its id, and no other', async () => {
    const f = fake();
    const answer = ask(f);
    await settled();
    const id = idOf(f.sent[0]!);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    f.say(encodeFrame(encodeResult('ab'.repeat(16), object({ a: 'wrong id' }))));
    f.say(encodeFrame(encodeResult(id, object({ a: 'wrong peer' }))), other);
    f.say(encodeUtf8('{"jsonrpc":"2.0","method":"lsps9.happened","params":{}}'));
    f.say(encodeFrame(encodeResult(id, object({ a: 'right' }))));
    expect(await answer).toEqual(object({ a: 'right' }));
  });

  test('that is refused says why, in our words; the peer only in detail', async () => {
    const f = fake();
    const answer = ask(f);
    await settled();
    f.say(encodeFrame(encodeError(idOf(f.sent[0]!), { code: 200, message: 'no\u001b[31m <b>' })));
    const error = await answer.catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ rpcCode: 200, reason: 'unrecognized_or_stale_token', detail: 'no [31m  b' });
    expect(String(error)).not.toContain('<');
  });

  test('may be answered after one that was asked later', async () => {
    const f = fake();
    const answers = [ask(f), ask(f)];
    await settled();
    const [first, second] = f.sent.map(idOf);
    f.say(encodeFrame(encodeResult(second!, object({ a: 'second' }))));
    f.say(encodeFrame(encodeResult(first!, object({ a: 'first' }))));
    f.say(encodeFrame(encodeResult(first!, object({ a: 'again' }))));
    expect(await Promise.all(answers)).toEqual([object({ a: 'first' }), object({ a: 'second' })]);
  });

  test('has an id out of the random bytes that it was given, and goes out as 37913', async () => {
    const types: number[] = [];
    const sent: Uint8Array[] = [];
    const node = {
      ...silentNode,
      send: async (_: NodeId, type: number, payload: Uint8Array) => {
        types.push(type);
        sent.push(payload);
      },
    };
    let count = 0;
    const random = (length: number) => new Uint8Array(length).fill(7 + count++);
    const asked = requests({ node, clock: manualClock(), random, log: () => undefined });
    for (let i = 0; i < 2; i++) asked.ask(lsp, 'x', object({})).catch(() => undefined);
    await settled();
    expect(sent.map(idOf)).toEqual(['07'.repeat(16), '08'.repeat(16)]);
    expect(types).toEqual([37_913, 37_913]);
    asked.close();
  });

  test('logs an error code and a notification that no spec names', async () => {
    const f = fake();
    const answer = ask(f).catch((cause: unknown) => cause);
    await settled();
    f.say(encodeUtf8('{"jsonrpc":"2.0","method":"lsps9.happened","params":{}}'));
    f.say(encodeFrame(encodeError(idOf(f.sent[0]!), { code: 4711, message: 'what' })));
    expect(await answer).toMatchObject({ rpcCode: 4711, reason: 'unknown' });
    expect(f.log).toEqual(['lsps0.unknown_notification', 'lsps0.unknown_error_code']);
  });

  test('gives up after a minute', async () => {
    const f = fake();
    const answer = ask(f).catch((cause: unknown) => cause);
    await f.clock.pass(59_000);
    await f.clock.pass(2_000);
    expect(await answer).toMatchObject({ code: 'transport', reason: 'timeout', retryable: true });
    f.say(encodeFrame(encodeResult(idOf(f.sent[0]!), object({}))));
  });

  test('gives up on a peer that never connects', async () => {
    const f = fake({ connect: () => new Promise(() => undefined) });
    const answer = ask(f).catch((cause: unknown) => cause);
    await f.clock.pass(61_000);
    expect(await answer).toMatchObject({ code: 'transport', reason: 'timeout' });
    expect(f.sent).toEqual([]);
  });

  test('ends when the connection does, when the client is closed, and when it is aborted', async () => {
    const f = fake();
    const lost = ask(f).catch((cause: unknown) => cause);
    await settled();
    f.hangUp();
    expect(await lost).toMatchObject({ reason: 'closed' });

    const abort = new AbortController();
    const aborted = f.asked.ask(lsp, 'x', object({}), { signal: abort.signal }).catch((cause: unknown) => cause);
    await settled();
    abort.abort(new Error('enough'));
    expect(String(await aborted)).toContain('enough');

    const closing = ask(f).catch((cause: unknown) => cause);
    await settled();
    f.asked.close();
    expect(await closing).toBeInstanceOf(TransportError);
    await expect(ask(f)).rejects.toMatchObject({ reason: 'closed' });
  });

  test('that is aborted while connecting is never sent', async () => {
    let connected: () => void = () => undefined;
    const f = fake({ connect: () => new Promise((resolve) => (connected = resolve)) });
    const abort = new AbortController();
    const answer = f.asked.ask(lsp, 'lsps2.buy', object({}), { signal: abort.signal }).catch((cause: unknown) => cause);
    abort.abort(new Error('enough'));
    connected();
    await settled();
    expect(String(await answer)).toContain('enough');
    expect(f.sent).toEqual([]);
  });

  test('after nonsense the LSP is asked no more on this connection, and again on the next', async () => {
    const f = fake();
    const answer = ask(f).catch((cause: unknown) => cause);
    await settled();
    f.say(encodeUtf8('{"jsonrpc":"2.0"} trailing'));
    expect(await answer).toBeInstanceOf(DecodeError);
    expect(f.log).toEqual(['lsps0.bad_message']);
    await expect(ask(f)).rejects.toMatchObject({ code: 'transport' });
    expect(f.sent).toHaveLength(1);
    f.hangUp();
    void ask(f).catch(() => undefined);
    await settled();
    expect(f.sent).toHaveLength(2);
  });

  test('an error without an id ends everything that was asked of this peer', async () => {
    const f = fake();
    const both = [ask(f), ask(f)].map((each) => each.catch((cause: unknown) => cause));
    await settled();
    f.say(encodeFrame(encodeError(null, { code: -32_700, message: 'parse error' })));
    for (const error of await Promise.all(both))
      expect(error).toMatchObject({ rpcCode: -32_700, reason: 'parse_error' });
  });

  test('cannot be answered by a peer that was asked nothing', () => {
    const f = fake();
    f.say(encodeUtf8('nonsense'), other);
    expect(f.log).toEqual([]);
  });
});
