import type { NodeId, PaymentHash } from '../core/ids.ts';
import type { Scid } from '../core/scid.ts';
import type { Store } from '../ports/store.ts';
import { PURCHASE_PREFIX, purchaseKey, type PurchaseRecord, readPurchase, savePurchase } from './record.ts';

/** The purchases of this wallet. Memory never runs ahead of the store. */
export interface Book {
  all(): readonly PurchaseRecord[];
  of(paymentHash: PaymentHash): PurchaseRecord | undefined;
  sold(lsp: NodeId, scid: Scid): boolean;
  /** Durable, then visible, then told. */
  put(record: PurchaseRecord): Promise<void>;
}

export async function openBook(store: Store, changed: (record: PurchaseRecord) => void): Promise<Book> {
  const records = new Map<PaymentHash, PurchaseRecord>();
  for (const [key, json] of await store.load()) {
    if (!key.startsWith(PURCHASE_PREFIX)) continue;
    const record = readPurchase(json);
    records.set(record.paymentHash, record);
  }
  return {
    all: () => [...records.values()],
    of: (paymentHash) => records.get(paymentHash),
    sold: (lsp, scid) => [...records.values()].some((record) => record.lsp === lsp && record.scid === scid),
    async put(record) {
      await store.put(purchaseKey(record), savePurchase(record));
      records.set(record.paymentHash, record);
      changed(record);
    },
  };
}
