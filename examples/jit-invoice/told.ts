import type { Purchase, Store } from 'lsps2';

const PREFIX = 'jit-invoice/told/';

/** Payments of which this program has told that they came: one that came while nobody was here is told by the next run. */
export interface Told {
  has(purchase: Purchase): boolean;
  add(purchase: Purchase): Promise<void>;
}

/** In the wallet's own store. Read once, before the client has it. */
export async function toldBefore(store: Store): Promise<Told> {
  const hashes = new Set(
    (await store.load()).flatMap(([key]) => (key.startsWith(PREFIX) ? key.slice(PREFIX.length) : [])),
  );
  return {
    has: ({ paymentHash }) => hashes.has(paymentHash),
    async add({ paymentHash }) {
      if (hashes.has(paymentHash)) return;
      await store.put(PREFIX + paymentHash, '{}');
      hashes.add(paymentHash);
    },
  };
}
