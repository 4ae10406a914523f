import { randomBytes } from 'node:crypto';
import { link, readFile, readlink, realpath, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../core/errors.ts';

// Node has no file locks: a file that says who we are, which appears whole or not at all. Whether its process lives is known by its number
// where it runs beside us; from another container or machine only by its touching the file.

const LOCK = 'lock';
const TOUCH_EVERY_MS = 1_000;
/** Who does not touch its lock for so long is gone, or finds out at its next write that it lost the folder. */
const GONE_AFTER_MS = 5_000;
const LOOK_EVERY_MS = 100;
/** Folders that this process has open: its own id in a lock says nothing. */
const mine = new Set<string>();

export interface FolderLock {
  /** @throws StoreError `locked`: another process took the folder over */
  check(): Promise<void>;
  unlock(): Promise<void>;
}

/** A lock whose process is gone is taken over. @throws StoreError `locked` */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const real = await realpath(folder);
  if (mine.has(real)) throw locked(folder, String(process.pid));
  mine.add(real);
  const path = join(real, LOCK);
  const draft = join(real, `${LOCK}.${randomBytes(8).toString('hex')}`);
  const text = [process.pid, await whereWeRun(), randomBytes(8).toString('hex')].join('\n');
  try {
    await writeFile(draft, text);
    await take(path, draft, folder);
  } catch (cause) {
    mine.delete(real);
    throw cause instanceof StoreError ? cause : new StoreError('io', `${folder} cannot be locked`, { cause });
  } finally {
    await rm(draft, { force: true });
  }

  const isOurs = async () => (await readFile(path, 'utf8').catch(() => '')) === text;
  const timer = setInterval(() => {
    const now = new Date();
    void isOurs().then((ours) => (ours ? utimes(path, now, now).catch(() => undefined) : clearInterval(timer)));
  }, TOUCH_EVERY_MS).unref();
  return {
    async check() {
      if (!(await isOurs())) throw new StoreError('locked', `${folder} was taken over by another process`);
    },
    async unlock() {
      clearInterval(timer);
      // In this order: another store of this process must not take our lock for an orphan.
      if (await isOurs()) await rm(path, { force: true });
      mine.delete(real);
    },
  };
}

async function take(path: string, draft: string, folder: string): Promise<void> {
  if (await appears(draft, path)) return;
  const holder = await readFile(path, 'utf8').catch(() => '');
  if (await isAlive(holder, path)) throw locked(folder, holder);
  // Only one of several can move the old lock away; who moves away a new one instead puts it back.
  const old = `${draft}.old`;
  await rename(path, old).catch(() => undefined);
  const moved = await readFile(old, 'utf8').catch(() => undefined);
  if (moved !== undefined && moved !== holder) await appears(old, path);
  await rm(old, { force: true });
  if (!(await appears(draft, path))) throw locked(folder, await readFile(path, 'utf8').catch(() => ''));
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

/** Where process numbers mean the same: this machine, and in it this container. */
async function whereWeRun(): Promise<string> {
  const space = await readlink('/proc/self/ns/pid').catch(() => '');
  // Machines that were made of one image may have one name.
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${hostname()} ${space} ${boot.trim()}`.trim();
}

async function isAlive(holder: string, path: string): Promise<boolean> {
  const [pid, where] = holder.split('\n');
  if (where !== undefined && where !== (await whereWeRun())) return isTouched(path);
  return isRunning(Number(pid));
}

async function isTouched(path: string): Promise<boolean> {
  // Of one file only: no two clocks are compared.
  const touchedAt = async () => (await stat(path).catch(() => undefined))?.mtimeMs;
  const before = await touchedAt();
  for (let waited = 0; waited < GONE_AFTER_MS; waited += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS);
    if ((await touchedAt()) !== before) return true;
  }
  return false;
}

function isRunning(pid: number): boolean {
  // Our own number is in a lock of one who was here before.
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function locked(folder: string, holder: string): StoreError {
  const [pid = '', where] = holder.split('\n');
  const who = where === undefined ? pid : `${pid} on ${where}`;
  return new StoreError(
    'locked',
    `${folder} is in use by process ${who}; if that is another program, remove ${LOCK} in it`,
  );
}
