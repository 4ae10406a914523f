import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { wsRelay } from '../../examples/jit-invoice/wsRelay.ts';
import { until } from '../../lib/testing/until.ts';

/** A node that says everything back, and the relay before it. */
async function relayed() {
  const sockets = new Set<Socket>();
  const node = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
  const { port } = node.address() as { port: number };
  const relay = await wsRelay({ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port });
  onTestFinished(async () => {
    await relay.close();
    for (const each of sockets) each.destroy();
    await new Promise((resolve) => node.close(resolve));
  });
  const opened = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${relay.port}/`);
    onTestFinished(() => socket.terminate());
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('open', resolve));
    return socket;
  };
  return { relay, sockets, opened };
}

test('bytes go through unchanged, many at once; one end takes the other along', async () => {
  const { sockets, opened } = await relayed();
  const socket = await opened();
  const sent = Buffer.alloc(3 << 20, 'abcdefgh');
  const got: Buffer[] = [];
  socket.on('message', (data) => got.push(data as Buffer));
  for (let at = 0; at < sent.length; at += 65_536) socket.send(sent.subarray(at, at + 65_536));
  await until(() => got.reduce((sum, each) => sum + each.length, 0) === sent.length, 'everything to come back');
  expect(Buffer.concat(got).equals(sent)).toBe(true);
  socket.close();
  await until(() => sockets.size === 0, 'the node’s side to end');
});

test('a bad frame, by one too many or by any, ends its own connection and no other', async () => {
  const { relay, sockets, opened } = await relayed();
  const all: WebSocket[] = [];
  for (let i = 0; i < 250; i++) all.push(await opened());
  const upgrade =
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
  const bad = connect({ host: '127.0.0.1', port: relay.port });
  bad.on('error', () => undefined);
  const gone = new Promise((resolve) => bad.once('close', resolve));
  bad.resume();
  bad.write(Buffer.concat([Buffer.from(upgrade), Buffer.from([0xff, 0x80, 0, 0, 0, 0])]));
  await gone;
  expect(sockets.size).toBe(250);
  const answer = new Promise((resolve) => all[0]?.once('message', (data) => resolve((data as Buffer).toString())));
  all[0]?.send('still here');
  expect(await answer).toBe('still here');
});
