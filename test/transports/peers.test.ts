import { TransportError } from 'lsps2';
import { peers, type PeersInit, tcp } from 'lsps2/tcp';
import { describe, expect, onTestFinished, test } from 'vitest';
import { concat, fromHex, fromUint } from '../../lib/core/bytes.ts';
import type { LogEntry } from '../../lib/ports/log.ts';
import { chainHash } from '../../lib/protocol/bolt1/chains.ts';
import { decodeInit, encodeInit, encodePing } from '../../lib/protocol/bolt1/setup.ts';
import { publicKey } from '../../lib/protocol/bolt11/signature.ts';
import { until } from '../../lib/testing/until.ts';
import { manualClock } from '../manualClock.ts';
import { complaint, INIT, type Script, scripted, STEPS } from './scripted.ts';

const LSPS0 = 37_913;

async function pair(script: Script = {}, init: Partial<PeersInit> = {}) {
  const there = await scripted(script);
  const clock = manualClock();
  const log: LogEntry[] = [];
  const here = peers({ transports: [tcp()], clock, log: (entry) => void log.push(entry), ...init });
  const told: [number, string][] = [];
  const over: string[] = [];
  here.onMessage((_, type, payload) => void told.push([type, new TextDecoder().decode(payload)]));
  here.onDisconnected((id) => void over.push(id));
  onTestFinished(async () => {
    here.close();
    await there.close();
  });
  const connect = () => here.connect(there.uri);
  /** What connecting fails with, when the hands are turned meanwhile. */
  const failure = async (ms = 0) => {
    const failed = connect().then(
      () => 'connected',
      (error: unknown) => error,
    );
    for (let i = 0; i < (ms > 0 ? 50 : 0); i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (there.callers.length > 0) await clock.pass(ms / 50);
    }
    return failed;
  };
  return { there, here, clock, log, told, over, connect, failure };
}

/** Nothing is left of a connection: no socket, and a new one may be tried. */
async function expectNothingLeft({ there, here }: Awaited<ReturnType<typeof pair>>): Promise<void> {
  await until(async () => (await there.open()) === 0, 'the socket to be closed');
  expect(here.isConnected(there.uri.nodeId)).toBe(false);
}

const error = (reason: string, message: RegExp) =>
  expect.objectContaining({ reason, message: expect.stringMatching(message) as unknown });

describe('a peer that is as it should be', () => {
  test('is told what today’s nodes want to see, and never bit 729; the same key each time', async () => {
    let init: Uint8Array | undefined;
    const secret = fromHex('11'.repeat(32));
    const all = await pair(
      { message: (type, payload) => void (type === 16 && (init = payload)) },
      { secret, network: 'regtest' },
    );
    await all.connect();
    await until(() => init !== undefined, 'our init');
    expect(decodeInit(init!)).toEqual({ features: [1, 9, 13, 15, 45], chains: [chainHash('regtest')] });
    expect(all.there.callers[0]!.remote).toBe(publicKey(secret));
    expect(all.here.nodeId).toBe(publicKey(secret));
    await all.connect();
    expect(all.there.callers).toHaveLength(1);
  });

  test('custom messages go there and come back; what is odd and unknown is passed over', async () => {
    const all = await pair({
      message(type, payload, caller) {
        if (type !== LSPS0) return;
        caller.send(7, new Uint8Array(3)); // peer_storage
        caller.send(32, new Uint8Array(100)); // open_channel: of channels, and not for us
        caller.send(261, new Uint8Array(9));
        caller.send(60_001, payload.slice().reverse());
      },
    });
    await all.connect();
    await all.here.send(all.there.uri.nodeId, LSPS0, new TextEncoder().encode('abc'));
    await until(() => all.told.length > 0, 'the answer');
    expect(all.told).toEqual([[60_001, 'cba']]);
    await expect(all.here.send(all.there.uri.nodeId, 16, INIT)).rejects.toThrow(RangeError);
    await expect(all.here.send(all.there.uri.nodeId, LSPS0, new Uint8Array(65_534))).rejects.toThrow(RangeError);
  });

  test.each([
    [0, 2],
    [10, 12],
    [65_531, 65_533],
    [65_532, undefined],
    [65_535, undefined],
  ])('a ping for %i bytes is answered as BOLT 1 says', async (count, length) => {
    const pongs: number[] = [];
    let marked = false;
    const all = await pair({
      message(type, payload, caller) {
        if (type === 16) {
          caller.send(18, encodePing(count));
          caller.send(60_001, new Uint8Array(0));
        }
        if (type === 19) pongs.push(payload.length);
        if (type === LSPS0) marked = true;
      },
    });
    await all.connect();
    await until(() => all.told.length > 0, 'the message after the ping');
    await all.here.send(all.there.uri.nodeId, LSPS0, new Uint8Array(0));
    await until(() => marked, 'what comes after a pong');
    expect(pongs).toEqual(length === undefined ? [] : [length]);
  });

  test('messages of 65,535 bytes, whole and in single bytes', async () => {
    const all = await pair({
      message(type, _, caller) {
        if (type !== 16) return;
        caller.send(60_001, new Uint8Array(65_533).fill(97));
        for (const byte of caller.seal(60_003, fromHex('62'))) caller.socket.write(Uint8Array.of(byte));
      },
    });
    await all.connect();
    await until(() => all.told.length === 2, 'both');
    expect(all.told.map(([type, text]) => [type, text.length])).toEqual([
      [60_001, 65_533],
      [60_003, 1],
    ]);
  });

  test('a warning, and an error about a channel, are logged in printable words and change nothing', async () => {
    const all = await pair({
      message(type, _, caller) {
        if (type !== 16) return;
        caller.send(1, complaint('beware\u0007<b>'));
        caller.send(17, complaint('that channel', 'ab'));
        caller.send(60_001);
      },
    });
    await all.connect();
    await until(() => all.told.length > 0, 'the message after them');
    expect(all.log.map(({ event, fields }) => [event, fields?.['words']])).toEqual([
      ['bolt1.warning', 'beware b'],
      ['bolt1.error', 'that channel'],
    ]);
  });

  test('a listener that throws harms nobody', async () => {
    const all = await pair({ message: (type, _, caller) => void (type === 16 && caller.send(60_001)) });
    const clumsy = () => {
      throw new Error('clumsy');
    };
    for (const on of [all.here.onConnected, all.here.onDisconnected]) on(clumsy);
    all.here.onMessage(clumsy);
    await all.connect();
    await until(() => all.told.length === 1, 'the message');
    all.there.callers[0]!.socket.destroy();
    await until(() => all.over.length === 1, 'the end');
    expect(all.log.filter(({ event }) => event === 'transports.listener_threw')).toHaveLength(3);
  });

  test('one that hung up is connected to anew', async () => {
    const all = await pair();
    await all.connect();
    all.there.callers[0]!.socket.destroy();
    await until(() => all.over.length === 1, 'the news');
    expect(all.here.isConnected(all.there.uri.nodeId)).toBe(false);
    await all.connect();
    expect(all.here.isConnected(all.there.uri.nodeId)).toBe(true);
  });

  test('it is pinged when it is silent, and left when it stays silent', async () => {
    let pings = 0;
    const all = await pair({ message: (type) => void (type === 18 && pings++) });
    await all.connect();
    await all.clock.pass(46_000);
    await until(() => pings === 1, 'the ping');
    await all.clock.pass(46_000);
    await until(() => all.over.length === 1, 'the end');
    await expectNothingLeft(all);
  });
});

// E: a hostile peer gets a typed error in time, and leaves nothing behind.
describe('a peer that is not', () => {
  test.each(STEPS.filter((step) => step !== 'message'))('hangs up at %s', async (step) => {
    const all = await pair({
      at(at, { socket }) {
        if (at !== step) return true;
        socket.destroy();
        return false;
      },
    });
    const failed = await all.failure();
    // By then init may have come through.
    if (step === 'init' && failed === 'connected') await until(() => all.over.length === 1, 'the end');
    else expect(failed).toEqual(error('closed', /hung up/));
    await expectNothingLeft(all);
  });

  test.each(['accept', 'act one', 'act three'] as const)('is silent from %s on', async (step) => {
    const all = await pair({ at: (at) => at !== step });
    expect(await all.failure(11_000)).toEqual(error('timeout', /did not finish the handshake/));
    await expectNothingLeft(all);
  });

  test('answers one byte at a time, slower than anybody waits', async () => {
    const all = await pair({
      at(step, { socket }) {
        if (step !== 'act one') return true;
        const drip = setInterval(() => socket.write(Uint8Array.of(0)), 20);
        socket.on('close', () => clearInterval(drip));
        return false;
      },
    });
    expect(await all.failure(11_000)).toEqual(error('timeout', /handshake \(act two\)/));
    await expectNothingLeft(all);
  });

  test('never ends a message', async () => {
    const all = await pair({
      message(type, _, caller) {
        if (type !== 16) return;
        const [first, ...rest] = caller.seal(60_001, new Uint8Array(1_000));
        caller.socket.write(Uint8Array.of(first!));
        const drip = setInterval(() => caller.socket.write(Uint8Array.of(rest.shift()!)), 5);
        caller.socket.on('close', () => clearInterval(drip));
      },
    });
    await all.connect();
    for (let i = 0; i < 30 && all.over.length === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      await all.clock.pass(5_000);
    }
    expect(all.over).toHaveLength(1);
    await expectNothingLeft(all);
  });

  test('is another node than the one that was meant', async () => {
    const all = await pair();
    const stranger = { ...all.there.uri, nodeId: publicKey(fromHex('33'.repeat(32))) };
    const failed = await all.here.connect(stranger).catch((cause: unknown) => cause);
    expect(failed).toEqual(error('closed', /hung up during the handshake: is its node id right\?/));
  });

  const afterInit: [what: string, send: (caller: Parameters<NonNullable<Script['message']>>[2]) => void, RegExp][] = [
    ['sends an unknown even type', (c) => c.send(60_000), /unknown even type 60000/],
    ['says init twice', (c) => c.send(16, INIT), /init twice/],
    ['sends a message of one byte', (c) => c.socket.write(c.sealBytes(Uint8Array.of(1))), /a message without a type/],
    ['sends a ping that is cut off', (c) => c.send(18, Uint8Array.of(0, 1, 0, 9)), /not of the format/],
    ['wants nothing to do with us', (c) => c.send(17, complaint('go away')), /wants nothing to do with us/],
    ['flips a bit', (c) => c.socket.write(c.seal(60_001).map((byte, i) => (i === 20 ? byte ^ 1 : byte))), /garbled/],
    [
      'replays a message',
      (c) => {
        const sealed = c.seal(60_001);
        c.socket.write(concat(sealed, sealed));
      },
      /garbled/,
    ],
    [
      'floods us with gossip',
      (c) => c.socket.write(concat(...Array.from({ length: 2_100 }, () => c.seal(256)))),
      /floods/,
    ],
    [
      'floods us with large messages',
      (c) => {
        for (let i = 0; i < 130; i++) c.send(257, new Uint8Array(65_533));
      },
      /floods/,
    ],
    [
      'makes us send large pongs',
      (c) => {
        for (let i = 0; i < 150; i++) c.send(18, encodePing(65_531));
      },
      // Whichever limit is hit first: the backlog of what it does not read yet, or the flood of pongs.
      /floods us with pings|does not read/,
    ],
  ];
  test.each(afterInit)('%s', async (_, send, words) => {
    const all = await pair({ message: (type, _payload, caller) => void (type === 16 && send(caller)) });
    await all.connect().catch(() => undefined);
    await until(() => all.log.some(({ event }) => event === 'transports.over'), 'the end');
    const reasons = all.log
      .filter(({ event }) => event === 'transports.over')
      .map(({ fields }) => String(fields?.['reason']));
    expect(reasons[0]).toMatch(words);
    await expectNothingLeft(all);
  });

  const inits: [what: string, init: Uint8Array, RegExp][] = [
    ['asks for an unknown feature', encodeInit({ features: [200], chains: undefined }), /unknown feature 200/],
    ['offers a feature without what it depends on', encodeInit({ features: [1, 17], chains: undefined }), /without 14/],
    ['is on another network', encodeInit({ features: [1], chains: [chainHash('bitcoin')] }), /is not on regtest/],
    ['cuts its init off', INIT.slice(0, 20), /not of the format \(init.features: is cut off/],
    ['has half a chain hash', concat(INIT.slice(0, -33), Uint8Array.of(31), INIT.slice(-31)), /whole chain hashes/],
    ['has an unknown even TLV', concat(fromUint(0n, 4), Uint8Array.of(2, 0)), /unknown even TLV type 2/],
  ];
  test.each(inits)('%s', async (_, init, words) => {
    const all = await pair({ init }, { network: 'regtest' });
    expect(await all.failure()).toEqual(error('protocol', words));
    await expectNothingLeft(all);
  });

  test('says something before init', async () => {
    const all = await pair({
      at(step, caller) {
        if (step === 'act three') caller.send(18, encodePing(0));
        return true;
      },
    });
    expect(await all.failure()).toEqual(error('protocol', /type 18 before init/));
  });

  test('its last words are kept, and are not ours', async () => {
    const all = await pair({
      at(step, caller) {
        if (step !== 'act three') return true;
        caller.send(17, complaint('feature bits <script> missing'));
        return false;
      },
    });
    const failed = await all.failure();
    expect(failed).toBeInstanceOf(TransportError);
    expect(failed).toMatchObject({ detail: 'feature bits  script  missing', retryable: true });
    expect((failed as Error).message).not.toContain('script');
  });
});

test('nobody there, an onion without a proxy, a way that does not exist, a key that is none', async () => {
  const there = await scripted();
  await there.close();
  const here = peers({ transports: [tcp()] });
  await expect(here.connect(there.uri)).rejects.toEqual(error('offline', /nobody answers/));
  await expect(here.connect({ ...there.uri, host: 'x.onion' })).rejects.toEqual(error('offline', /SOCKS5/));
  await expect(here.connect({ ...there.uri, url: 'ws://127.0.0.1:1/' })).rejects.toEqual(error('offline', /no way/));
  expect(() => peers({ transports: [], secret: new Uint8Array(32) })).toThrow(RangeError);
  here.close();
  await expect(here.connect(there.uri)).rejects.toEqual(error('closed', /were closed/));
});

test('a call that is given up rejects with the reason; closing ends what is under way', async () => {
  const all = await pair({ at: () => false });
  const stop = new AbortController();
  const given = all.here.connect(all.there.uri, { signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  const waiting = all.connect();
  await until(() => all.there.callers.length > 0, 'the call');
  all.here.close();
  await expect(waiting).rejects.toEqual(error('closed', /were closed/));
  await expectNothingLeft(all);
});
