// Runs inside a context that has only what React Native has: bundled by reactNative.test.ts, never by itself.
import { client, decodeInvoice, sat } from '../../dist/index.js';
import { lsp } from '../../dist/lsp/index.js';
import { memoryLightning, memoryStore } from '../../dist/nodes/memory/index.js';

/** Quotes, buys, makes an invoice, decodes it, and is paid. */
export async function receive(): Promise<string> {
  const net = memoryLightning();
  await lsp({ node: net.lsp, store: memoryStore() });
  const jit = await client({
    node: net.wallet,
    store: memoryStore(),
    lsps: [net.lspUri],
    limits: { maxFee: sat(3_000n) },
  });
  const { best } = await jit.quotes({ amount: sat(250_000n) });
  if (!best) throw new Error('no quote');
  const purchase = await jit.buy(best, { description: 'caffè ☕' });
  const invoice = decodeInvoice(purchase.invoice);
  await net.pay(purchase.invoice);
  const state = await purchase.outcome();
  await jit.close();
  const received = state.tag === 'paid' ? state.received : 0n;
  return `${state.tag} ${received} ${invoice.amount} ${invoice.description}`;
}
