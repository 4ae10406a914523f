import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileStore } from 'lsps2/file';
import { memoryStore } from 'lsps2/memory';
import { sqliteStore } from 'lsps2/sqlite';
import { afterAll } from 'vitest';
import { storeCompliance } from './stores.ts';

const folder = mkdtempSync(join(tmpdir(), 'lsps2-store-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

storeCompliance('memory', () => ({ durable: false, open: async () => memoryStore() }));
storeCompliance('file', () => {
  const path = join(folder, `${count++}`);
  return { durable: true, open: () => fileStore(path) };
});
storeCompliance('sqlite', () => {
  const path = join(folder, `${count++}.db`);
  return { durable: true, open: () => sqliteStore(path) };
});
