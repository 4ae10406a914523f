import type { Store } from '../ports/store.ts';

/** A store that forgets everything with the process: for tests and demos. */
export function memoryStore(): Store {
  const records = new Map<string, string>();
  return {
    load: async () => [...records],
    put: async (key, json) => void records.set(key, json),
    remove: async (key) => void records.delete(key),
  };
}
