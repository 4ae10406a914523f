import { msat, type NodeId, sat } from 'lsps2';
import { flatRate, lsp, type Policy, REQUESTS_PER_PEER_MAX, DEFAULT_CAPS } from 'lsps2/lsp';
import { memoryLightning, memoryStore } from 'lsps2/memory';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../lib/core/utf8.ts';
import { decodeFrame } from '../../lib/protocol/lsps0/frame.ts';
import { formatJson } from '../../lib/protocol/lsps0/json.ts';
import { manualClock, settled } from '../manualClock.ts';

async function world(policy: Policy = flatRate()) {
  const net = memoryLightning();
  await lsp({ node: net.lsp, store: memoryStore(), policy, clock: manualClock() });
  await net.wallet.connect({ nodeId: net.lsp.nodeId, host: '', port: 1 });
  const replies: string[] = [];
  net.wallet.onMessage((_, __, payload) => replies.push(formatJson(decodeFrame(payload))));
  const say = async (payload: string | Uint8Array) => {
    const bytes = typeof payload === 'string' ? encodeUtf8(payload) : payload;
    await net.wallet.send(net.lsp.nodeId, 37_913, bytes);
    await settled();
    return replies.splice(0);
  };
  const call = async (method: string, params: string) => {
    const [reply = '{}'] = await say(`{"jsonrpc":"2.0","id":"i","method":"${method}","params":${params}}`);
    return JSON.parse(reply) as { result?: Record<string, unknown>; error?: { code: number; data?: unknown } };
  };
  const entry = async () => {
    const { result } = await call('lsps2.get_info', '{}');
    return (result as { opening_fee_params_menu: Record<string, unknown>[] }).opening_fee_params_menu[0]!;
  };
  return { net, say, call, entry };
}

const PARSE_ERROR = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}';

test.each<[string, string | Uint8Array]>([
  ['no JSON', 'hello'],
  ['an array', '[]'],
  ['a batch', '[{"jsonrpc":"2.0","id":"i","method":"lsps0.list_protocols","params":{}}]'],
  ['two objects', '{} {}'],
  ['a NUL', '{"a":"b"}\u0000'],
  ['no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
  ['an old version', '{"jsonrpc":"1.0","id":"i","method":"m"}'],
  ['no id', '{"jsonrpc":"2.0","method":"lsps0.list_protocols"}'],
  ['a null id', '{"jsonrpc":"2.0","id":null,"method":"lsps0.list_protocols"}'],
  ['no method', '{"jsonrpc":"2.0","id":"i"}'],
  ['a response', '{"jsonrpc":"2.0","id":"i","result":{}}'],
])('%s is a parse error with a null id', async (_, payload) => {
  const { say } = await world();
  expect(await say(payload)).toEqual([PARSE_ERROR]);
});

test.each([
  ['lsps0.list_protocols', '{}', { result: { protocols: [2] } }],
  ['lsps9.nothing', '{}', { error: { code: -32_601 } }],
  ['__proto__', '{}', { error: { code: -32_601 } }],
  ['toString', '{}', { error: { code: -32_601 } }],
  ['lsps2.get_info', '[]', { error: { code: -32_602, data: { unrecognized: [] } } }],
  ['lsps2.get_info', '{"tokn":"x","more":1}', { error: { code: -32_602, data: { unrecognized: ['tokn', 'more'] } } }],
  ['lsps2.get_info', '{"token":7}', { error: { code: -32_602, data: { unrecognized: [] } } }],
  ['lsps2.buy', '{}', { error: { code: -32_602, data: { unrecognized: [] } } }],
])('%s %s', async (method, params, reply) => {
  const { call } = await world();
  expect(await call(method, params)).toMatchObject(reply);
});

test('answers a number with the same number, and a null token as none', async () => {
  const { say, call } = await world();
  const [reply] = await say('{"jsonrpc":"2.0","id":7,"method":"lsps0.list_protocols","params":{}}');
  expect(reply).toBe('{"jsonrpc":"2.0","id":7,"result":{"protocols":[2]}}');
  expect((await call('lsps2.get_info', '{"token":null}')).result).toBeDefined();
});

test('buy: sizes, promises and variable amounts', async () => {
  const { call, entry } = await world();
  const params = JSON.stringify(await entry());
  const buy = async (size: bigint, text = params) =>
    (await call('lsps2.buy', `{"opening_fee_params":${text},"payment_size_msat":"${size}"}`)).error?.code;
  expect(await buy(sat(100_000n))).toBeUndefined();
  expect(await buy(msat(1_999_999n))).toBe(202);
  expect(await buy(sat(10_000_001n))).toBe(203);
  expect(await buy(sat(100_000n), params.replace('"1000000"', '"999999"'))).toBe(201);
  expect(await buy(sat(100_000n), params.replace(/"promise":"..../, '"promise":"0000'))).toBe(201);
  expect((await call('lsps2.buy', `{"opening_fee_params":${params}}`)).error).toBeUndefined();
});

test('the operator says no in the words of the spec, and codes 1 and 200 carry no data', async () => {
  const rate = flatRate();
  const token = await world({ ...rate, menu: async () => ({ refuse: 'unrecognized_or_stale_token' }) });
  expect((await token.call('lsps2.get_info', '{"token":"x"}')).error).toEqual({
    code: 200,
    message: 'unrecognized_or_stale_token',
  });
  const rejected = await world({ ...rate, menu: async () => ({ refuse: 'client_rejected' }) });
  expect((await rejected.call('lsps2.get_info', '{}')).error).toEqual({ code: 1, message: 'client_rejected' });
  const broken = await world({ ...rate, menu: async () => Promise.reject(new Error('database: secret')) });
  expect((await broken.call('lsps2.get_info', '{}')).error).toEqual({ code: -32_603, message: 'internal_error' });
});

test('a menu out of order is the operator’s mistake, not the client’s problem', async () => {
  const rate = flatRate();
  const twice: Policy['menu'] = async (a) => {
    const menu = await rate.menu(a);
    return 'refuse' in menu ? menu : [...menu, ...menu];
  };
  const { call } = await world({ ...rate, menu: twice });
  expect((await call('lsps2.get_info', '{}')).error?.code).toBe(-32_603);
});

test('a promise to one client is none to another', async () => {
  const { entry } = await world();
  const other = await world();
  const foreign = JSON.stringify(await entry());
  const reply = await other.call('lsps2.buy', `{"opening_fee_params":${foreign},"payment_size_msat":"100000000"}`);
  expect(reply.error?.code).toBe(201);
});

test('has limits: unpaid purchases of one client, and requests in flight', async () => {
  const { call, entry, net } = await world();
  const params = JSON.stringify(await entry());
  const buy = () => call('lsps2.buy', `{"opening_fee_params":${params},"payment_size_msat":"100000000"}`);
  for (let i = 0; i < DEFAULT_CAPS.unpaidPerClient; i++) expect((await buy()).error).toBeUndefined();
  expect((await buy()).error?.code).toBe(1);

  const slow = await world({ ...flatRate(), menu: () => new Promise(() => undefined) });
  let replies = 0;
  slow.net.wallet.onMessage(() => replies++);
  const ask = encodeUtf8('{"jsonrpc":"2.0","id":"i","method":"lsps2.get_info","params":{}}');
  for (let i = 0; i < REQUESTS_PER_PEER_MAX + 5; i++) await slow.net.wallet.send(slow.net.lsp.nodeId, 37_913, ask);
  await slow.net.wallet.send(slow.net.lsp.nodeId, 37_913, encodeUtf8('nonsense'));
  await settled();
  expect(replies).toBe(0);
  void (net.lsp.nodeId satisfies NodeId);
});
