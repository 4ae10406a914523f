import { readRecord, saveRecord } from '../../core/record.ts';
import type { Store } from '../../ports/store.ts';

/** Records of one kind, in a store that others use too. What is written is durable when the promise resolves. */
export interface Records<T> {
  get(id: string): T | undefined;
  all(): readonly (readonly [id: string, record: T])[];
  /** A rejected one changed nothing. */
  put(id: string, record: T): Promise<void>;
  remove(id: string): Promise<void>;
}

export type Loaded = readonly (readonly [key: string, json: string])[];

/** @throws DecodeError on a record of another version. */
export function records<T>(
  store: Store,
  loaded: Loaded,
  o: { readonly prefix: string; readonly check: (record: unknown) => record is T },
): Records<T> {
  const { prefix, check } = o;
  const all = new Map<string, T>();
  for (const [key, json] of loaded)
    if (key.startsWith(prefix)) all.set(key.slice(prefix.length), readRecord(json, check));
  return {
    get: (id) => all.get(id),
    all: () => [...all],
    async put(id, record) {
      await store.put(prefix + id, saveRecord(record));
      all.set(id, record);
    },
    async remove(id) {
      await store.remove(prefix + id);
      all.delete(id);
    },
  };
}
