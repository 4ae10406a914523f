import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileStore } from 'lsps2/file';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'lsps2-file-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
let folder = '';
beforeEach(() => (folder = join(root, String(count++))));

describe('a store in a folder', () => {
  test('belongs to one at a time, and to the next after close', async () => {
    const store = await fileStore(folder);
    await expect(fileStore(folder)).rejects.toMatchObject({ code: 'store', reason: 'locked' });
    await store.close();
    await (await fileStore(folder)).close();
  });
  test('is locked against another process that lives, and not against one that is gone', async () => {
    mkdirSync(folder);
    const other = spawn('sleep', ['60']);
    writeFileSync(join(folder, 'lock'), String(other.pid));
    await expect(fileStore(folder)).rejects.toMatchObject({ reason: 'locked' });
    other.kill('SIGKILL');
    await once(other, 'exit');
    const store = await fileStore(folder);
    expect(await store.load()).toEqual([]);
    await store.close();
    expect(readdirSync(folder)).toEqual([]);
  });
  test('another container’s lock is respected while it is touched, and taken over when not', async () => {
    mkdirSync(folder);
    const path = join(folder, 'lock');
    // Number 1 there is not number 1 here.
    writeFileSync(path, '1\nanother-container pid:[7]\nabcd');
    const touching = setInterval(() => utimesSync(path, new Date(), new Date()), 200);
    await expect(fileStore(folder)).rejects.toMatchObject({
      reason: 'locked',
      message: expect.stringContaining('process 1 on another-container'),
    });
    clearInterval(touching);
    const store = await fileStore(folder);
    // Ours is touched, so that the other sees it.
    const before = statSync(path).mtimeMs;
    await vi.waitFor(() => expect(statSync(path).mtimeMs).toBeGreaterThan(before), { timeout: 3_000 });
    await store.close();
    expect(readdirSync(folder)).toEqual([]);
  }, 30_000);
  test('whoever lost the folder writes nothing more', async () => {
    const store = await fileStore(folder);
    await store.put('a', '1');
    writeFileSync(join(folder, 'lock'), '1\nanother-container pid:[7]\nabcd');
    await expect(store.put('a', '2')).rejects.toMatchObject({ code: 'store', reason: 'locked' });
    await expect(store.remove('a')).rejects.toMatchObject({ reason: 'locked' });
    expect(await store.load()).toEqual([['a', '1']]);
    await store.close();
    expect(readdirSync(folder)).toContain('lock');
  });
  test('of many that want an orphaned folder at once exactly one gets it', async () => {
    mkdirSync(folder);
    const dead = spawn('true');
    await once(dead, 'exit');
    writeFileSync(join(folder, 'lock'), String(dead.pid));
    const script = `
      import { fileStore } from 'lsps2/file';
      try { await fileStore('${folder}'); console.log('got'); setTimeout(() => {}, 2000); } catch (e) { console.log(e.reason); }`;
    const tries = Array.from({ length: 6 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
      let said = '';
      child.stdout.on('data', (data) => (said += String(data)));
      return once(child, 'exit').then(() => said.trim());
    });
    const said = await Promise.all(tries);
    expect(said.filter((each) => each === 'got')).toHaveLength(1);
    expect(said.filter((each) => each === 'locked')).toHaveLength(5);
  }, 30_000);
  test('only its owner can read it', async () => {
    const store = await fileStore(folder);
    await store.put('a', '"secret"');
    expect(statSync(folder).mode & 0o077).toBe(0);
    expect(statSync(join(folder, 'a.json')).mode & 0o077).toBe(0);
    await store.close();
  });
  test('a half-written record is not there', async () => {
    const store = await fileStore(folder);
    await store.put('a', '1');
    writeFileSync(join(folder, 'b.new'), '{"half');
    expect(await store.load()).toEqual([['a', '1']]);
    await store.close();
  });
  test('keys that differ in case are different records, on every file system', async () => {
    const store = await fileStore(folder);
    await store.put('Key', '1');
    await store.put('key', '2');
    await store.put('../key', '3');
    expect(readdirSync(folder).filter((name) => name.endsWith('.json'))).toEqual([
      '%2e%2e%2fkey.json',
      '%4bey.json',
      'key.json',
    ]);
    expect(new Map(await store.load())).toEqual(
      new Map([
        ['Key', '1'],
        ['key', '2'],
        ['../key', '3'],
      ]),
    );
    await store.close();
  });
  test('a disk that fails is told, and nothing is changed', async () => {
    const store = await fileStore(folder);
    await store.put('a', '1');
    mkdirSync(join(folder, 'a.new')); // stands where the next draft would go
    await expect(store.put('a', '2')).rejects.toMatchObject({ code: 'store', reason: 'io' });
    expect(await store.load()).toEqual([['a', '1']]);
    await store.close();
    await expect(store.put('a', '3')).rejects.toMatchObject({ reason: 'io' });
    await expect(fileStore('/dev/null/here')).rejects.toMatchObject({ reason: 'io' });
    await expect(store.put('k'.repeat(300), '1')).rejects.toThrow(RangeError);
  });
});
