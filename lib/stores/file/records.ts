import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

// One file for each record. Its name is the key, with everything escaped that some file system would take amiss.

const ENDING = '.json';
const UNFINISHED = '.new';
/** What every file system allows. */
const NAME_MAX = 255;
const OWNER_ONLY = 0o600;

/** @throws RangeError on a key too long for a file name. */
export function fileNameOf(key: string): string {
  const name = key.replace(/[^a-z0-9_-]/gu, (letter) =>
    [...Buffer.from(letter)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  );
  if (name.length + ENDING.length > NAME_MAX) throw new RangeError(`a key of ${key.length} characters is too long`);
  return name + ENDING;
}

const keyOf = (name: string): string => decodeURIComponent(name.slice(0, -ENDING.length));

export async function readRecords(folder: string): Promise<readonly (readonly [string, string])[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ENDING)).sort();
  return Promise.all(names.map(async (name) => [keyOf(name), await readFile(join(folder, name), 'utf8')] as const));
}

/** Written beside and moved into place, so that a reader after a crash finds the old or the new, never a half. */
export async function writeRecord(folder: string, name: string, text: string): Promise<void> {
  const beside = join(folder, name.slice(0, -ENDING.length) + UNFINISHED);
  const file = await open(beside, 'w', OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, join(folder, name));
  await syncFolder(folder);
}

export async function removeRecord(folder: string, name: string): Promise<void> {
  await rm(join(folder, name), { force: true });
  await syncFolder(folder);
}

/** A rename is on disk when its folder is. Windows cannot, and need not, sync a folder. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
