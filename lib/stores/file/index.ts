import { mkdir } from 'node:fs/promises';
import { StoreError } from '../../core/errors.ts';
import { serial } from '../../core/serial.ts';
import type { Store } from '../../ports/store.ts';
import { lockFolder } from './lock.ts';
import { fileNameOf, readRecords, removeRecord, writeRecord } from './records.ts';

/** A store in a folder: one file for each record. */
export interface FileStore extends Store {
  /** What was asked for is written; then the folder is anybody's. */
  close(): Promise<void>;
}

const OWNER_ONLY = 0o700;

/**
 * A store for Node without any other package: a folder with one small file for each record, readable by its owner only. A `put`
 * is on disk when it resolves (written beside, fsync, rename, fsync of the folder). The folder is locked against a second
 * process, in other containers too (their lock is watched for five seconds), and a second call. Good for a wallet's purchases; for an LSP take `lsps2/sqlite`.
 *
 * @throws StoreError `locked`, `io`
 */
export async function fileStore(folder: string): Promise<FileStore> {
  try {
    await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
  } catch (cause) {
    throw new StoreError('io', `the folder ${folder} cannot be made`, { cause });
  }
  const lock = await lockFolder(folder);
  const inTurn = serial();
  let closed = false;

  const job = <T>(what: string, work: () => Promise<T>): Promise<T> =>
    inTurn(async () => {
      if (closed) throw new StoreError('io', 'the store was closed');
      try {
        return await work();
      } catch (cause) {
        throw cause instanceof StoreError ? cause : new StoreError('io', `${what} failed in ${folder}`, { cause });
      }
    });

  return {
    load: () => job('reading', () => readRecords(folder)),
    // A key that no file can be named after is the caller's mistake, and no reason to wait.
    async put(key, json) {
      const name = fileNameOf(key);
      await job('writing', async () => {
        await lock.check();
        await writeRecord(folder, name, json);
      });
    },
    async remove(key) {
      const name = fileNameOf(key);
      await job('removing', async () => {
        await lock.check();
        await removeRecord(folder, name);
      });
    },
    close: () =>
      inTurn(async () => {
        if (closed) return;
        closed = true;
        await lock.unlock();
      }),
  };
}
