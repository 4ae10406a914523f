import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { follow, type Heard } from '../../../lib/nodes/grpc/calls.ts';
import { toNodeError } from '../../../lib/nodes/grpc/errors.ts';

type Stream = EventEmitter & Heard<string>;
const newStream = (): Stream => Object.assign(new EventEmitter(), { cancel: () => undefined }) as Stream;
const failure = (code: status, details: string) => Object.assign(new Error(details), { code, details }) as never;

function followed(
  o: { readonly isUp?: () => boolean; readonly open?: () => Stream; readonly ping?: () => Promise<unknown> } = {},
) {
  const streams: Stream[] = [];
  const told: string[] = [];
  const following = follow<string, Stream>({
    name: 'Sub',
    where: 'node',
    isUp: o.isUp ?? (() => true),
    ...(o.ping ? { ping: o.ping } : {}),
    isTaken: ({ detail }) => detail.includes('already exists'),
    open() {
      const stream = o.open?.() ?? newStream();
      streams.push(stream);
      return stream;
    },
    stands: () => told.push('stands'),
    heard: (item) => told.push(item),
    cut: ({ reason }) => told.push(`cut: ${reason}`),
  });
  onTestFinished(() => following.stop());
  return { streams, told, following };
}

describe('a stream that is kept', () => {
  test('stands once something is heard, is opened again when it is lost, and hears only the newest', async () => {
    const { streams, told, following } = followed();
    streams[0]!.emit('data', 'one');
    await following.begun;
    streams[0]!.emit('error', failure(status.UNAVAILABLE, 'gone'));
    streams[0]!.emit('data', 'late');
    await sleep(300);
    streams[1]!.emit('data', 'two');
    expect(told).toEqual(['stands', 'one', 'cut: unreachable', 'stands', 'two']);
  });

  test('stands after a while where nothing is to be heard, but not without a connection', async () => {
    let up = false;
    const { told } = followed({ isUp: () => up });
    await sleep(400);
    expect(told).toEqual([]);
    up = true;
    await sleep(400);
    expect(told).toEqual(['stands']);
  });

  test('that is not permitted is not tried again', async () => {
    const { streams, following } = followed();
    streams[0]!.emit('error', failure(status.UNKNOWN, 'permission denied'));
    await expect(following.begun).rejects.toMatchObject({ reason: 'permission' });
    await sleep(400);
    expect(streams.length).toBe(1);
  });

  test('on a slow way: it is refused later than one would think, but before what was asked after it is answered', async () => {
    const { streams, told, following } = followed({ ping: () => sleep(600) });
    await sleep(500);
    expect(told).toEqual([]);
    streams[0]!.emit('error', failure(status.UNKNOWN, 'permission denied'));
    await expect(following.begun).rejects.toMatchObject({ reason: 'permission' });
    await sleep(600);
    expect(told).toEqual(['cut: permission']);
    await expect(following.ready()).rejects.toMatchObject({ reason: 'permission' });
  });

  test('is waited for when it was cut; and where another program has it meanwhile, that is said', async () => {
    const { streams, told, following } = followed();
    streams[0]!.emit('data', 'one');
    await following.ready();
    streams[0]!.emit('error', failure(status.UNAVAILABLE, 'gone'));
    await following.ready();
    expect(told).toEqual(['stands', 'one', 'cut: unreachable', 'stands']);
    streams[1]!.emit('error', failure(status.UNKNOWN, 'interceptor already exists'));
    await expect(following.ready()).rejects.toMatchObject({ detail: 'interceptor already exists' });
    following.stop();
    await expect(following.ready()).rejects.toMatchObject({ code: 'node' });
  });

  test('of a connection that was closed is no exception', async () => {
    let closed = false;
    const { streams, told } = followed({
      open() {
        if (closed) throw new Error('Channel has been shut down');
        return newStream();
      },
    });
    streams[0]!.emit('data', 'one');
    closed = true;
    streams[0]!.emit('error', failure(status.UNAVAILABLE, 'gone'));
    await sleep(400);
    expect(told).toEqual(['stands', 'one', 'cut: unreachable']);
  });

  test('that another program has is given up after some tries', async () => {
    const { streams, following } = followed();
    const taken = setInterval(() => streams.at(-1)!.emit('error', failure(status.UNKNOWN, 'already exists')), 50);
    onTestFinished(() => clearInterval(taken));
    await expect(following.begun).rejects.toMatchObject({ detail: 'already exists' });
  }, 20_000);
});

describe('what a node says', () => {
  test.each([
    [status.UNAVAILABLE, 'No connection established', 'unreachable'],
    [status.UNAVAILABLE, 'self-signed certificate', 'certificate'],
    [status.UNKNOWN, 'permission denied', 'permission'],
    [status.UNKNOWN, 'verification failed: signature mismatch', 'permission'],
    [status.UNKNOWN, 'wallet locked, unlock it to enable full RPC access', 'locked'],
    [status.UNKNOWN, 'the RPC server is in the process of starting up', 'starting'],
    [status.UNIMPLEMENTED, 'unknown method', 'unsupported'],
    [status.DEADLINE_EXCEEDED, 'Deadline exceeded', 'timeout'],
    [status.UNKNOWN, 'anything else', 'other'],
  ])('%i "%s" is %s', (code, details, reason) => {
    const error = toNodeError(failure(code, details), 'node at h:1', 'Call');
    expect(error).toMatchObject({ code: 'node', reason, detail: details });
    expect(error.message).toMatch(/^node at h:1 .*: Call \(its words: /);
  });

  test('its words are printed only, and cut short', () => {
    const { detail, message } = toNodeError(failure(status.UNKNOWN, `\u001b[31m${'x'.repeat(5_000)}`), 'n', 'C');
    expect(detail.length).toBeLessThan(250);
    expect(message).not.toContain('\u001b');
  });
});
