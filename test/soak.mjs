// H: 50 payments in a row on one network in one process. Heap and RSS at payment 50 stay within 10 % of payment 10.
// Run with: node --expose-gc test/soak.mjs
import { client, sat } from 'lsps2';
import { memoryStore } from 'lsps2/memory';
import { network } from 'lsps2/testing';

const PAYMENTS = 50;
const BASELINE = 10;
const GROWTH_MAX = 1.1;

if (!globalThis.gc) throw new Error('run this with node --expose-gc');

async function measure() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heapUsed, rss };
}

const net = await network();
const limits = { maxFee: sat(1_000n) };
const jit = await client({ node: net.wallet, store: memoryStore(), lsps: [net.lsp.uri], limits });
let baseline;
for (let i = 1; i <= PAYMENTS; i++) {
  const { best, all } = await jit.quotes({ amount: sat(20_000n) });
  if (!best)
    throw new AggregateError(
      all.map(({ error }) => error),
      `no quote for payment ${i}`,
    );
  const purchase = await jit.buy(best, { description: `payment ${i}` });
  const paid = await net.payer.pay(purchase.invoice, { parts: 1 + (i % 3) });
  const state = await purchase.outcome();
  if (!paid.paid || state.tag !== 'paid' || state.gross !== best.paymentSize || state.fee !== best.openingFee) {
    throw new Error(`payment ${i} failed: ${JSON.stringify(paid)} ${state.tag}`);
  }
  await net.mine(1);
  if (i === BASELINE) baseline = await measure();
}
const end = await measure();
await jit.close();
await net.close();
const growth = { heap: end.heapUsed / baseline.heapUsed, rss: end.rss / baseline.rss };
const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
process.stdout.write(
  `${PAYMENTS} payments, none failed; payment ${BASELINE} -> ${PAYMENTS}: ` +
    `heap ${mb(baseline.heapUsed)} -> ${mb(end.heapUsed)} (x${growth.heap.toFixed(3)}), ` +
    `rss ${mb(baseline.rss)} -> ${mb(end.rss)} (x${growth.rss.toFixed(3)})\n`,
);
process.exit(growth.heap <= GROWTH_MAX && growth.rss <= GROWTH_MAX ? 0 : 1);
