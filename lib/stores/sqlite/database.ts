import { chmodSync, existsSync } from 'node:fs';
import Database from 'libsql';
import { StoreError } from '../../core/errors.ts';

/** Statements that are prepared once. Parameters are only ever text and bytes: libsql aborts the process over a boolean. */
interface Table {
  all(): readonly (readonly [key: string, value: Uint8Array])[];
  put(key: string, value: Uint8Array): void;
  remove(key: string): void;
}

export interface Sql {
  table(name: 'records' | 'bytes'): Table;
  /** All of it or nothing, on disk when it returns. @throws {@link StoreError} when nothing was changed. */
  transaction(job: () => void): void;
  close(): void;
}

/** The steps from one version of the file to the next; a file knows how many of them it has had. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE records (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE bytes (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;`,
];

const OWNER_ONLY = 0o600;
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;
const SQLITE_CORRUPT = 11;

/** Exclusive before WAL, so that there is no shared memory file; the first write takes the lock. */
const OPEN =
  'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN EXCLUSIVE; COMMIT;';
/** libsql's own `close` keeps the lock until its statements are collected; leaving WAL gives it back at once. */
const LEAVE = 'PRAGMA journal_mode=DELETE; PRAGMA locking_mode=NORMAL; SELECT 1 FROM sqlite_master;';

export function openSql(path: string): Sql {
  const db = connect(path);
  try {
    db.exec(OPEN);
    // It holds keys: nobody else reads it. (Never open it by `fs`: closing that would drop SQLite's lock.)
    for (const file of [path, `${path}-wal`]) if (existsSync(file)) chmodSync(file, OWNER_ONLY);
    migrate(db);
  } catch (cause) {
    db.close();
    throw toStoreError(path, cause);
  }
  const transaction = (job: () => void) => {
    try {
      db.exec('BEGIN IMMEDIATE');
      job();
      db.exec('COMMIT');
    } catch (cause) {
      // Not libsql's own transaction(): it hides the error when SQLite has rolled back already.
      if (db.inTransaction) db.exec('ROLLBACK');
      throw toStoreError(path, cause);
    }
  };
  return {
    transaction,
    table(name) {
      const select = db.prepare(`SELECT key, value FROM ${name}`).raw();
      const upsert = db.prepare(
        `INSERT INTO ${name} VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value`,
      );
      const drop = db.prepare(`DELETE FROM ${name} WHERE key = ?`);
      return {
        all: () => (select.all([]) as [string, Uint8Array][]).map(([key, value]) => [key, new Uint8Array(value)]),
        put: (key, value) => void upsert.run([key, value]),
        remove: (key) => void drop.run([key]),
      };
    },
    close() {
      try {
        db.exec(LEAVE);
      } finally {
        db.close();
      }
    },
  };
}

function connect(path: string): Database.Database {
  try {
    return new Database(path, { timeout: 0 });
  } catch (cause) {
    throw toStoreError(path, cause);
  }
}

function migrate(db: Database.Database): void {
  const [row] = db.prepare('PRAGMA user_version').all([]) as { user_version: number }[];
  const version = row?.user_version ?? 0;
  if (version > MIGRATIONS.length) {
    throw new StoreError('newer', `the store was written by a newer version of lsps2 (${version})`);
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index >= version) db.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

function toStoreError(path: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const raw = (cause as { rawCode?: unknown }).rawCode;
  const code = typeof raw === 'number' ? raw & 0xff : undefined;
  if (code === SQLITE_BUSY) return new StoreError('locked', `another process is using the store ${path}`, { cause });
  if (code === SQLITE_NOTADB || code === SQLITE_CORRUPT) {
    return new StoreError('not_a_store', `${path} is not a store of lsps2, or is damaged`, { cause });
  }
  const said = cause instanceof Error ? cause.message : String(cause);
  return new StoreError('io', `the store ${path} cannot be read or written: ${said}`, { cause });
}
