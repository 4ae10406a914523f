// A wallet in a tab: bundled by tabs.e2e.ts from the built package, never run by itself.
import { client, sat } from 'lsps2';
import { indexedDbStore } from 'lsps2/indexeddb';
import { lsp } from 'lsps2/lsp';
import { memoryLightning, memoryStore } from 'lsps2/memory';

const net = memoryLightning();
await lsp({ node: net.lsp, store: memoryStore() });
const store = await indexedDbStore({ name: 'wallet' });
const jit = await client({ node: net.wallet, store, lsps: [net.lspUri], limits: { maxFee: sat(5_000n) } });

window.wallet = {
  readOnly: store.readOnly,
  writable: () => store.writable,
  async buy() {
    const { best } = await jit.quotes({ amount: sat(100_000n) });
    const { invoice } = await jit.buy(best, { description: 'tab' });
    return invoice;
  },
  async pay() {
    const [purchase] = jit.purchases();
    await net.pay(purchase.invoice);
    return (await purchase.outcome()).tag;
  },
  invoices: () => jit.purchases().map(({ invoice }) => invoice),
  states: () => jit.purchases().map(({ state }) => state.tag),
};
