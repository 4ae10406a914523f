import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type SqliteStore, sqliteStore } from 'lsps2/sqlite';

/** A store in a folder that is the owner's alone; none where no folder is given. */
export async function storeIn(folder: string | undefined, file: string): Promise<SqliteStore | undefined> {
  if (folder === undefined) return undefined;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return sqliteStore(join(folder, file));
}
