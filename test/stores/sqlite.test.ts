import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import { sqliteStore } from 'lsps2/sqlite';
import { until } from '../../lib/testing/until.ts';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'lsps2-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const fresh = () => join(folder, `${count++}.db`);

describe('one process at a time', () => {
  test('a second store on the same file is refused, until the first is closed', async () => {
    const path = fresh();
    const first = await sqliteStore(path);
    await expect(sqliteStore(path)).rejects.toMatchObject({ code: 'store', reason: 'locked' });
    await first.put('a', '1');
    await first.close();
    const second = await sqliteStore(path);
    expect(await second.load()).toEqual([['a', '1']]);
    await second.close();
    await expect(first.put('b', '2')).rejects.toMatchObject({ reason: 'io' });
  });

  test('a second process is refused; after kill -9 the file is free at once, and every acknowledged put is there', async () => {
    const path = fresh();
    for (let round = 0; round < 5; round++) {
      const { child, acknowledged } = writer(path, round);
      await acknowledged(20);
      await expect(sqliteStore(path)).rejects.toMatchObject({ reason: 'locked' });
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      const last = await acknowledged(0);
      const store = await sqliteStore(path);
      const records = new Map(await store.load());
      // One more may have been written that nobody was told of.
      expect([last, last + 1]).toContain(Number(records.get(`round/${round}`)));
      for (let before = 0; before < round; before++) expect(records.has(`round/${before}`)).toBe(true);
      await store.close();
    }
  }, 60_000);
});

/** A process that puts 1, 2, 3 ... under one key and tells of each when it is durable. */
function writer(path: string, round: number): { child: ChildProcess; acknowledged(n: number): Promise<number> } {
  const child = fork(fileURLToPath(new URL('writer.mjs', import.meta.url)), [path, String(round)]);
  const seen = { last: 0 };
  child.on('message', (n) => {
    seen.last = Number(n);
  });
  const acknowledged = async (n: number) => {
    await until(() => seen.last >= n, 'the writer');
    return seen.last;
  };
  return { child, acknowledged };
}

describe('what cannot be opened is refused with a reason', () => {
  test.each<[string, (path: string) => void, string]>([
    [
      'a file that is no database',
      (path) => writeFileSync(path, 'this is a text file, and not a short one at all\n'.repeat(99)),
      'not_a_store',
    ],
    ['a folder that is not there', () => undefined, 'io'],
    [
      'a file of a newer version',
      (path) => {
        const db = new Database(path);
        db.exec('PRAGMA user_version = 99');
        db.close();
      },
      'newer',
    ],
  ])('%s', async (name, prepare, reason) => {
    const path = name.includes('folder') ? join(folder, 'nowhere', 'a.db') : fresh();
    prepare(path);
    await expect(sqliteStore(path)).rejects.toMatchObject({ code: 'store', reason });
  });
});

test('nobody else can read the file: it holds keys', async () => {
  const path = fresh();
  const store = await sqliteStore(path);
  await store.put('a', '1');
  for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  await store.close();
});

test('bytes are committed together or not at all, and puts asked for at once share a transaction', async () => {
  const path = fresh();
  const store = await sqliteStore(path);
  store.bytes.commit(
    new Map([
      ['manager', Uint8Array.of(1, 2)],
      ['monitor/a', new Uint8Array()],
    ]),
  );
  const bad = new Map<string, Uint8Array>([
    ['manager', Uint8Array.of(9)],
    ['monitor/b', null as never],
  ]);
  expect(() => store.bytes.commit(bad)).toThrow(expect.objectContaining({ code: 'store' }));
  store.bytes.commit(new Map([['monitor/a', undefined]]));
  const before = store.transactions();
  await Promise.all(Array.from({ length: 100 }, (_, i) => store.put(`k${i}`, 'v')));
  expect(store.transactions() - before).toBe(1);
  await store.close();
  const again = await sqliteStore(path);
  expect(again.bytes.load().map(([key, bytes]) => [key, [...bytes]])).toEqual([['manager', [1, 2]]]);
  expect(await again.load()).toHaveLength(100);
  await again.close();
});
