import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseUri } from '../../lib/core/ids.ts';
import { ldkMessages } from '../../lib/nodes/ldk/messages.ts';
import { startNode } from '../../lib/nodes/ldk/node.ts';
import { memoryChain } from '../../lib/testing/chain/memory.ts';
import { msat } from '../../lib/core/amount.ts';
import { buyByHand } from '../crash/buyByHand.ts';
import { running } from './running.ts';

// `jit-invoice lsp` as somebody at a terminal runs it, with a wallet that connects over TCP.

const run = (...args: string[]) => running('lsp', '--listen', '127.0.0.1:0', ...args);

const data = () => {
  const folder = mkdtempSync(join(tmpdir(), 'lsps2-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'data');
};

test('serves, stops in order at Ctrl-C, and goes on where it was', async () => {
  const folder = data();
  const first = run(
    '--data',
    folder,
    '--json',
    '--fee-ppm',
    '20000',
    '--min-fee',
    '3000sat',
    '--trust',
    'client-trusts-lsp',
  );
  const listening = await first.line('listening');
  const uri = parseUri(listening['uri'] ?? '');
  expect(listening).toMatchObject({ data: folder, purchases: 0, chain: 'a regtest in memory' });

  const wallet = await startNode({ chain: memoryChain(), role: 'wallet' });
  onTestFinished(() => wallet.stop());
  const messages = ldkMessages(wallet);
  await messages.connect(uri);
  const bought = await buyByHand(messages, uri.nodeId, msat(1_000_000_000n));
  expect(await first.line('sold')).toMatchObject({
    jit_channel_scid: bought.jit_channel_scid,
    payment_size_msat: '1000000000',
    opening_fee_msat: '20000000',
    trust: 'client-trusts-lsp',
    client: wallet.nodeId,
  });

  // A second one on the same data is turned away with one line.
  const second = run('--data', folder, '--json');
  let complaint = '';
  second.child.stderr?.on('data', (text) => {
    complaint += String(text);
  });
  expect(await second.ended).toBe(1);
  expect(complaint).toMatch(/^jit-invoice: another process is using the store [^\n]+\n$/);

  expect(await first.stop('SIGINT')).toBe(0);
  const again = run('--data', folder, '--json');
  const back = await again.line('listening');
  expect(parseUri(back['uri'] ?? '').nodeId).toBe(uri.nodeId);
  expect(back).toMatchObject({ purchases: 1 });
  expect(await again.stop('SIGTERM')).toBe(0);
});

test('with a token it serves only those who have it', async () => {
  const lsp = run('--json', '--token', 'sesame');
  const uri = parseUri((await lsp.line('listening'))['uri'] ?? '');
  const wallet = await startNode({ chain: memoryChain(), role: 'wallet' });
  onTestFinished(() => wallet.stop());
  const messages = ldkMessages(wallet);
  await messages.connect(uri);
  await expect(buyByHand(messages, uri.nodeId, msat(1_000_000_000n))).rejects.toThrow('"code":200');
  expect(await lsp.stop('SIGINT')).toBe(0);
});
