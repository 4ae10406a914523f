import type { Purchase, Store } from 'lsps2';

const PREFIX = 'jit-invoice/bought/';

/** Payment hashes of what this command has bought, and not told the end of: others may buy in the same store. Kept in the wallet's own store. */
export interface Bought {
  all(): readonly string[];
  add(purchase: Purchase): Promise<void>;
  remove(hash: string): Promise<void>;
}

export async function boughtHere(store: Store): Promise<Bought> {
  const hashes = new Set(
    (await store.load()).flatMap(([key]) => (key.startsWith(PREFIX) ? [key.slice(PREFIX.length)] : [])),
  );
  return {
    all: () => [...hashes],
    async add({ paymentHash: hash }) {
      if (hashes.has(hash)) return;
      await store.put(PREFIX + hash, '{}');
      hashes.add(hash);
    },
    async remove(hash) {
      await store.remove(PREFIX + hash);
      hashes.delete(hash);
    },
  };
}
