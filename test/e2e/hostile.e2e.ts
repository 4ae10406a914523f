import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { client, sat } from 'lsps2';
import { REQUESTS_PER_PEER_MAX } from 'lsps2/lsp';
import { memoryStore } from 'lsps2/memory';
import { network } from 'lsps2/testing';
import { expect, onTestFinished, test } from 'vitest';
import { parseUri } from '../../lib/core/ids.ts';
import { decodeUtf8 } from '../../lib/core/utf8.ts';
import { startNode } from '../../lib/nodes/ldk/node.ts';
import { ldkMessages } from '../../lib/nodes/ldk/messages.ts';
import { until } from '../../lib/testing/until.ts';
import { type Attack, attacks } from './attacks.ts';

const LSPS0 = 37_913;
const REQUESTS = 10_000;
const WARM = 2_000;
const SEED = Number(process.env['LSPS2_SEED'] ?? 20_261_122);
/** What a garbage collector leaves lying about. */
const HEAP_GROWTH_MAX = 1.15;

// F: a peer over a real connection says whatever comes to its mind; every answer is the right one, and nobody else is disturbed.
test(`${REQUESTS} hostile requests get the right code each, and others are served meanwhile (seed ${SEED})`, async () => {
  const net = await network();
  const jit = await client({
    node: net.wallet,
    store: memoryStore(),
    lsps: [net.lsp.uri],
    limits: { maxFee: sat(2_000n) },
  });
  const mallory = await startNode({ chain: net.chain, role: 'wallet' });
  onTestFinished(async () => {
    await jit.close();
    await mallory.stop();
    await net.close();
  });
  const messages = ldkMessages(mallory);
  const lsp = parseUri(net.lsp.uri);
  await messages.connect(lsp);
  const replies: string[] = [];
  messages.onMessage((_, type, payload) => type === LSPS0 && replies.push(decodeUtf8(payload)));
  const say = (payload: Uint8Array) => messages.send(lsp.nodeId, LSPS0, payload);

  await say(new TextEncoder().encode('{"jsonrpc":"2.0","id":"first","method":"lsps2.get_info","params":{}}'));
  await until(() => replies.length === 1, 'the menu');
  const [menu = ''] = replies.splice(0);
  const { opening_fee_params_menu: entries } = (JSON.parse(menu) as { result: { opening_fee_params_menu: object[] } })
    .result;

  const make = attacks(SEED, entries[0] ?? {});
  const kinds = new Map<string, number>();
  let baseline = 0;
  let served = 0;
  for (let sent = 0; sent < REQUESTS; ) {
    const batch: Attack[] = Array.from({ length: Math.min(REQUESTS_PER_PEER_MAX, REQUESTS - sent) }, make);
    for (const { payload } of batch) await say(payload);
    const expected = batch.flatMap(({ answer }) => (answer === undefined ? [] : [answer])).sort();
    await until(
      () => replies.length >= expected.length,
      () => `answers to ${batch.map(({ kind }) => kind).join(', ')}`,
    );
    expect(replies.splice(0).map(summary).sort()).toEqual(expected);
    for (const { kind } of batch) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    sent += batch.length;
    if (sent % 1_000 === 0) {
      const { best } = await jit.quotes({ amount: sat(100_000n) });
      expect(best?.openingFee).toBe(sat(1_000n));
      served++;
    }
    if (sent === WARM) baseline = heapUsed();
  }
  const growth = heapUsed() / baseline;
  const told = [...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ');
  process.stdout.write(`hostile requests: ${told}; heap x${growth.toFixed(3)}; honest client served ${served} times\n`);
  expect(growth).toBeLessThan(HEAP_GROWTH_MAX);

  // And the LSP still does what it is there for.
  const { best } = await jit.quotes({ amount: sat(100_000n) });
  const purchase = await jit.buy(best!, { description: 'after all that' });
  expect(await net.payer.pay(purchase.invoice, { parts: 2 })).toMatchObject({ paid: true });
}, 300_000);

/** `id code unrecognized`: what matters of an answer. */
function summary(text: string): string {
  const { id, error } = JSON.parse(text) as {
    id: string | number | null;
    error?: { code: number; data?: { unrecognized?: readonly string[] } };
  };
  const unrecognized = error?.data?.unrecognized;
  return `${JSON.stringify(id)} ${error?.code ?? 'result'}${unrecognized ? ` ${JSON.stringify(unrecognized)}` : ''}`;
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 4; i++) gc();
  return process.memoryUsage().heapUsed;
}
