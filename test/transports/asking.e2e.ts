import { asker, client, type FixedQuote, RpcError, sat, TransportError } from 'lsps2';
import { memoryStore } from 'lsps2/memory';
import { peers, tcp } from 'lsps2/tcp';
import { network, type NetworkOptions } from 'lsps2/testing';
import { webSocket } from 'lsps2/websocket';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { wsRelay } from '../../examples/jit-invoice/wsRelay.ts';
import { fromHex } from '../../lib/core/bytes.ts';
import { parseUri } from '../../lib/core/ids.ts';
import { publicKey } from '../../lib/protocol/bolt11/signature.ts';
import { socksServer } from './socksServer.ts';

// Against a real LDK node on a real socket, with no node on our side at all.

const AMOUNT = sat(100_000n);
const ws = { WebSocket };

async function world(options: NetworkOptions = {}) {
  const net = await network(options);
  const { nodeId, port } = parseUri(net.lsp.uri);
  const relay = await wsRelay({ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port });
  onTestFinished(async () => {
    await relay.close();
    await net.close();
  });
  return { net, nodeId, port, byWebSocket: `${nodeId}@ws://127.0.0.1:${relay.port}/` };
}

function reaching(transports = [tcp(), webSocket(ws)], secret?: Uint8Array) {
  const here = peers({ transports, network: 'regtest', ...(secret ? { secret } : {}) });
  onTestFinished(() => here.close());
  return here;
}

describe('an LDK node’s price, without a node of ours', () => {
  test.each(['tcp', 'websocket'])('by %s', async (way) => {
    const { net, byWebSocket } = await world();
    const uri = way === 'tcp' ? net.lsp.uri : byWebSocket;
    const asked = asker({ peers: reaching(), lsps: [uri] });
    expect(await asked.listProtocols(uri)).toEqual([2]);
    const { best } = await asked.quotes({ amount: AMOUNT });
    expect(best).toMatchObject({ lsp: uri, paymentSize: AMOUNT, openingFee: sat(1_000n), net: sat(99_000n) });
    expect(await asked.getInfo(uri)).toHaveLength(1);
  });

  test('through a SOCKS5 proxy, which resolves the name', async () => {
    const { nodeId, port } = await world();
    const proxy = await socksServer({ 'abcdef.onion': '127.0.0.1' });
    onTestFinished(async () => void (await proxy.close()));
    const uri = `${nodeId}@abcdef.onion:${port}`;
    const asked = asker({ peers: reaching([tcp({ proxy })]), lsps: [uri] });
    expect((await asked.quotes({ amount: AMOUNT })).best).toMatchObject({ openingFee: sat(1_000n) });
    expect(proxy.asked).toEqual([`abcdef.onion:${port}`]);
    const nobody = `${nodeId}@nobody.invalid:1`;
    await expect(asked.listProtocols(nobody)).resolves.toEqual([2]); // the connection stands already
    await expect(reaching([tcp({ proxy })]).connect(parseUri(nobody))).rejects.toBeInstanceOf(TransportError);
  });

  test('a token that is wrong, and one that is right', async () => {
    const { net } = await world({ policy: { tokens: ['sesame'] } });
    const here = reaching();
    const price = (token?: string) =>
      asker({ peers: here, lsps: [{ uri: net.lsp.uri, ...(token === undefined ? {} : { token }) }] }).quotes({
        amount: AMOUNT,
      });
    const [wrong] = (await price('open')).all;
    expect(wrong).toMatchObject({ error: { code: 'rpc', reason: 'unrecognized_or_stale_token' } });
    expect((wrong as { error: unknown }).error).toBeInstanceOf(RpcError);
    expect((await price('sesame')).best).toMatchObject({ openingFee: sat(1_000n) });
  });

  test('the quote is bought by the node that has the same key, and by no other', async () => {
    const { net } = await world();
    const other = asker({ peers: reaching(), lsps: [net.lsp.uri] });
    const { best } = await other.quotes({ amount: AMOUNT });
    const jit = await client({
      node: net.wallet,
      store: memoryStore(),
      lsps: [net.lsp.uri],
      limits: { maxFee: sat(5_000n) },
    });
    onTestFinished(() => jit.close());
    await expect(jit.buy(best as FixedQuote, { description: 'x' })).rejects.toMatchObject({
      reason: 'invalid_opening_fee_params',
    });
  });

  test('one of two is dead: the other is the best', async () => {
    const { net } = await world();
    const dead = `${publicKey(fromHex('33'.repeat(32)))}@127.0.0.1:1`;
    const asked = asker({ peers: reaching(), lsps: [dead, net.lsp.uri] });
    const { best, all } = await asked.quotes({ amount: AMOUNT });
    expect(best?.lsp).toBe(net.lsp.uri);
    expect(all[0]).toMatchObject({ lsp: dead, error: { code: 'transport', reason: 'offline' } });
  });
});
