import { StoreError } from '../../core/errors.ts';
import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import type { ByteStore, Store } from '../../ports/store.ts';
import { openSql } from './database.ts';

/** A store in one SQL file. */
export interface SqliteStore extends Store {
  /** Records of bytes beside the others in the same file, as an embedded LDK node keeps itself in. */
  readonly bytes: ByteStore;
  /** Transactions that were written: each costs one fsync. */
  transactions(): number;
  /** What was asked for before is written. The lock is given back. */
  close(): Promise<void>;
}

/** A change that waits for the next transaction. */
interface Change {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  resolve(): void;
  reject(cause: unknown): void;
}

export function openStore(path: string): SqliteStore {
  const sql = openSql(path);
  const records = sql.table('records');
  const blobs = sql.table('bytes');
  let waiting: Change[] = [];
  let count = 0;
  let closed = false;

  function check(): void {
    if (closed) throw new StoreError('io', `the store ${path} is closed`);
  }

  function write(table: typeof records, changes: Iterable<readonly [string, Uint8Array | undefined]>): void {
    sql.transaction(() => {
      for (const [key, value] of changes) {
        if (value === undefined) table.remove(key);
        else table.put(key, value);
      }
    });
    count++;
  }

  /** Everything that was asked for since the last time, in one transaction. */
  function flush(): void {
    const changes = waiting;
    waiting = [];
    if (changes.length === 0) return;
    try {
      write(
        records,
        changes.map(({ key, value }) => [key, value] as const),
      );
      for (const { resolve } of changes) resolve();
    } catch (cause) {
      for (const { reject } of changes) reject(cause);
    }
  }

  const change = async (key: string, value: Uint8Array | undefined): Promise<void> => {
    check();
    await new Promise<void>((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ key, value, resolve, reject });
    });
  };

  return {
    async load() {
      check();
      return records.all().map(([key, value]) => [key, decodeUtf8(value, key)] as const);
    },
    put: (key, json) => change(key, encodeUtf8(json)),
    remove: (key) => change(key, undefined),
    bytes: {
      load() {
        check();
        return blobs.all();
      },
      commit(changes) {
        check();
        write(blobs, changes);
      },
    },
    transactions: () => count,
    async close() {
      if (closed) return;
      flush();
      closed = true;
      sql.close();
    },
  };
}
