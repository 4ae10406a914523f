import { StoreError } from '../../core/errors.ts';
import type { Store } from '../../ports/store.ts';
import { openDatabase } from './database.ts';
import { type Held, holdLock } from './lock.ts';

/** A store in the browser. */
export interface IndexedDbStore extends Store {
  /** Another tab has it: this one only reads. */
  readonly readOnly: boolean;
  /**
   * Resolves when the other tab is gone: open the store again then, it can be written. Resolves at once where this one can
   * write; never after `close`.
   */
  readonly writable: Promise<void>;
  /** What was asked for is written; then another tab may write. */
  close(): Promise<void>;
}

/**
 * A store in IndexedDB. Of all tabs of an origin one writes (Web Locks); the others get a store that is `readOnly`, on which a
 * client shows purchases and promises nothing. A `put` is on disk when it resolves (`durability: 'strict'`).
 *
 * @throws StoreError `no_driver` where the engine has no IndexedDB or no Web Locks, `io`
 */
export async function indexedDbStore({ name = 'lsps2' }: { readonly name?: string } = {}): Promise<IndexedDbStore> {
  const lock: Held = await holdLock(`lsps2/${name}`);
  const database = await openDatabase(name).catch(async (cause: unknown) => {
    await lock.release();
    throw cause;
  });
  const refuse = () => Promise.reject(new StoreError('locked', 'another tab writes to this store'));
  return {
    readOnly: !lock.mine,
    writable: lock.free,
    load: database.load,
    put: lock.mine ? database.put : refuse,
    remove: lock.mine ? database.remove : refuse,
    async close() {
      await database.close();
      await lock.release();
    },
  };
}
