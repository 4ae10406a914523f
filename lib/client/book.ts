import { NodeError, StoreError, TransportError } from '../core/errors.ts';
import type { NodeId, PaymentHash } from '../core/ids.ts';
import type { Scid } from '../core/scid.ts';
import { serial } from '../core/serial.ts';
import type { Store } from '../ports/store.ts';
import { PURCHASE_PREFIX, purchaseKey, type PurchaseRecord, readPurchase, savePurchase } from './record.ts';

/** The purchases of this wallet. Memory never runs ahead of the store, and changes come one after the other. */
export interface Book {
  all(): readonly PurchaseRecord[];
  of(paymentHash: PaymentHash): PurchaseRecord | undefined;
  sold(lsp: NodeId, scid: Scid): boolean;
  add(record: PurchaseRecord): Promise<void>;
  /**
   * Changes records in turn: `change` sees them as they are now, and what it returns is durable, then visible, then told.
   * Rejects when the store does: then nothing is visible, and of several records the ones before may be saved, so the one
   * that must not be saved alone comes last. On a store that others write it may be called again: what else is to happen with the
   * change happens in `after`, once it is saved.
   */
  turn<T>(change: () => Change<T>): Promise<T>;
  /** Takes records away for good. */
  forget(which: (record: PurchaseRecord) => boolean): Promise<void>;
  /** Resolves when a record is as asked; never, when the book is closed before. */
  until(paymentHash: PaymentHash, holds: (record: PurchaseRecord | undefined) => boolean): Promise<void>;
  /** Ends the book: changes under way are finished, later ones rejected. */
  close(): Promise<void>;
}

/** What is to become of records. */
export interface Change<T> {
  readonly records: readonly PurchaseRecord[];
  readonly result: T;
  /** Called once, when the records are saved, and before anything else is changed. */
  readonly after?: () => void;
}

/** How often a change is made over again, when others are faster. */
const TRIES_MAX = 100;

const isConflict = (cause: unknown): boolean => cause instanceof StoreError && cause.reason === 'conflict';

async function readAll(store: Store): Promise<Map<PaymentHash, PurchaseRecord>> {
  const records = new Map<PaymentHash, PurchaseRecord>();
  for (const [key, json] of await store.load()) {
    if (!key.startsWith(PURCHASE_PREFIX)) continue;
    const record = readPurchase(json);
    records.set(record.paymentHash, record);
  }
  return records;
}

/** Stores that others write, and that know by what we read last what we may write over: two readers of one would deceive it. */
const inUse = new WeakSet<Store>();

/** `changed` must not throw. @throws StoreError `locked`: a store that other programs write has a client already. */
export async function openBook(store: Store, changed: (record: PurchaseRecord) => void): Promise<Book> {
  if (inUse.has(store)) throw new StoreError('locked', 'a client has this store: make a store of its own for each');
  if (store.onChange) inUse.add(store);
  let records = await readAll(store).catch((cause: unknown) => {
    inUse.delete(store);
    throw cause;
  });
  const inTurn = serial();
  const waiting = new Set<() => void>();
  let closed = false;

  function tell(those: readonly PurchaseRecord[]): void {
    for (const record of those) changed(record);
    for (const look of waiting) look();
  }

  /** What others wrote. */
  async function refresh(): Promise<void> {
    if (!store.onChange) return;
    const changes: PurchaseRecord[] = [];
    const now = await readAll(store);
    for (const [hash, record] of now) {
      const before = records.get(hash);
      // What is the same stays the same object: who waits for changes compares them.
      if (before && savePurchase(before) === savePurchase(record)) now.set(hash, before);
      else changes.push(record);
    }
    records = now;
    tell(changes);
  }

  /** What was saved of a change that could not be made whole. */
  async function putBack(saved: readonly PurchaseRecord[]): Promise<void> {
    for (const { paymentHash } of saved) {
      const before = records.get(paymentHash);
      // Somebody else has it: he decides.
      if (before) await store.put(purchaseKey(before), savePurchase(before)).catch(() => undefined);
    }
  }

  /** Over again where another program was faster. */
  async function changeOnce<T>(change: () => Change<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      await refresh();
      const { records: next, result, after } = change();
      const saved: PurchaseRecord[] = [];
      try {
        for (const record of next) {
          await store.put(purchaseKey(record), savePurchase(record));
          saved.push(record);
        }
      } catch (cause) {
        if (tries >= TRIES_MAX || !isConflict(cause)) throw cause;
        await putBack(saved);
        continue;
      }
      for (const record of next) records.set(record.paymentHash, record);
      after?.();
      tell(next);
      return result;
    }
  }

  const turn: Book['turn'] = (change) =>
    inTurn(async () => {
      if (closed) throw new TransportError('closed', 'the client was closed');
      return changeOnce(change);
    });

  const stop = store.onChange?.(() => void inTurn(async () => (closed ? undefined : refresh())).catch(() => undefined));

  return {
    all: () => [...records.values()],
    of: (paymentHash) => records.get(paymentHash),
    sold: (lsp, scid) => [...records.values()].some((record) => record.lsp === lsp && record.scid === scid),
    add: (record) =>
      turn(() => {
        if (records.has(record.paymentHash)) throw new NodeError('the node used a payment hash twice');
        return { records: [record], result: undefined };
      }),
    turn,
    forget: (which) =>
      inTurn(async () => {
        for (const record of [...records.values()].filter(which)) {
          if (closed) return;
          await store.remove(purchaseKey(record));
          records.delete(record.paymentHash);
        }
      }),
    until: (paymentHash, holds) =>
      new Promise((resolve) => {
        const look = () => {
          if (!holds(records.get(paymentHash))) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async close() {
      stop?.();
      await inTurn(async () => {
        closed = true;
        inUse.delete(store);
        waiting.clear();
      });
    },
  };
}
