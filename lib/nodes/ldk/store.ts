import type { ByteStore } from '../../ports/store.ts';

/** What is to be written with the next commit. */
export interface Staging {
  put(key: string, bytes: Uint8Array | undefined): void;
  /** Records that were there at the start, by the beginning of their keys, without it. */
  loaded(prefix: string): ReadonlyMap<string, Uint8Array>;
  isEmpty(): boolean;
  /** @throws what the store throws; nothing is lost by that. */
  commit(): void;
  /** Resolves when all that is staged now is on disk. */
  saved(): Promise<void>;
}

/** Without a store nothing is kept, and everything is saved at once. */
export function staging(store: ByteStore | undefined): Staging {
  const changes = new Map<string, Uint8Array | undefined>();
  const records = store?.load() ?? [];
  let waiting: (() => void)[] = [];
  return {
    put: (key, bytes) => void (store && changes.set(key, bytes)),
    loaded: (prefix) =>
      new Map(
        records.flatMap(([key, bytes]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), bytes] as const] : [])),
      ),
    isEmpty: () => changes.size === 0,
    commit() {
      if (changes.size > 0) store?.commit(changes);
      changes.clear();
      const done = waiting;
      waiting = [];
      for (const resolve of done) resolve();
    },
    saved: () => (changes.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  };
}
