import { randomBytes } from 'node:crypto';
import { link, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../../core/errors.ts';

// Node has no file locks: a file with our process id, which appears whole or not at all.

const LOCK = 'lock';
/** Folders that this process has open: its own id in a lock says nothing. */
const mine = new Set<string>();

/** Resolves with the way to unlock. A lock whose process is gone is taken over. @throws StoreError `locked` */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const place = await realpath(folder);
  if (mine.has(place)) throw locked(folder, process.pid);
  mine.add(place);
  const path = join(place, LOCK);
  const draft = join(place, `${LOCK}.${randomBytes(8).toString('hex')}`);
  try {
    await writeFile(draft, String(process.pid));
    await take(path, draft, folder);
  } catch (cause) {
    mine.delete(place);
    throw cause instanceof StoreError ? cause : new StoreError('io', `${folder} cannot be locked`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
  return async () => {
    // In this order: another store of this process must not take our lock for an orphan.
    await rm(path, { force: true });
    mine.delete(place);
  };
}

async function take(path: string, draft: string, folder: string): Promise<void> {
  if (await appears(draft, path)) return;
  const holder = await readFile(path, 'utf8').catch(() => '');
  if (isAlive(Number(holder))) throw locked(folder, Number(holder));
  // Only one of several can move the old lock away; who moves away a new one instead puts it back.
  const old = `${draft}.old`;
  await rename(path, old).catch(() => undefined);
  const moved = await readFile(old, 'utf8').catch(() => undefined);
  if (moved !== undefined && moved !== holder) await appears(old, path);
  await rm(old, { force: true });
  if (!(await appears(draft, path))) throw locked(folder, Number(await readFile(path, 'utf8').catch(() => '0')));
}

/** Makes a whole file appear under a name, if there is none yet. */
async function appears(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

function isAlive(pid: number): boolean {
  // In a container every process may have the number of the one before.
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const locked = (folder: string, pid: number): StoreError =>
  new StoreError('locked', `${folder} is in use by process ${pid}; if that is another program, remove ${LOCK} in it`);
