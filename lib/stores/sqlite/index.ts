import { StoreError } from '../../core/errors.ts';
import type { SqliteStore } from './store.ts';

export type { SqliteStore } from './store.ts';

/** The version that is known to work. */
const PACKAGE = 'libsql@0.5.29';

/**
 * A store in one SQL file, for Node. A `put` is on disk when it resolves (WAL, synchronous=FULL); puts that are asked for at the
 * same time share one transaction. The file is locked: a second process, or a second call, is refused.
 *
 * @throws StoreError `locked`, `not_a_store`, `newer`, `io`, or `no_driver` when the package libsql is not installed.
 */
export async function sqliteStore(path: string): Promise<SqliteStore> {
  const { openStore } = await load();
  return openStore(path);
}

async function load(): Promise<typeof import('./store.ts')> {
  try {
    return await import('./store.ts');
  } catch (cause) {
    if (!String(cause).includes('libsql')) throw cause;
    throw new StoreError('no_driver', `this needs the package libsql: npm install ${PACKAGE}`, { cause });
  }
}
