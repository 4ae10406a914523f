import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

// The compiler is the first test of the table: these mistakes must not compile.
describe('a table with a mistake does not compile', () => {
  let copy: string;
  beforeAll(() => {
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    copy = mkdtempSync(join(ROOT, '.cache', 'mutation-'));
    for (const room of ['core', 'protocol', 'session'])
      cpSync(join(ROOT, 'lib', room), join(copy, 'lib', room), { recursive: true });
    cpSync(join(ROOT, 'tsconfig.json'), join(copy, 'tsconfig.json'));
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  function compiles(file: string, from: string | RegExp, to: string): boolean {
    const path = join(copy, 'lib/session', file);
    const before = readFileSync(path, 'utf8');
    const after = from === '' ? `${before}${to}` : before.replace(from, to);
    if (to !== '' || from !== '') expect(after).not.toBe(before);
    writeFileSync(path, after);
    try {
      execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', join(copy, 'lib/session'), '--noEmit'], {
        stdio: 'pipe',
      });
      return true;
    } catch {
      return false;
    } finally {
      writeFileSync(path, before);
    }
  }

  test('the table as it is compiles', () => expect(compiles('table.ts', '', '')).toBe(true));
  test.each([
    ['a cell is deleted', 'table.ts', '    collectTimedOut: giveUp,\n', ''],
    ['a row is deleted', 'table.ts', '  failed: over,\n', ''],
    [
      'an input has no column',
      'data.ts',
      "  | { readonly tag: 'clientConnected' }\n",
      "  | { readonly tag: 'clientConnected' }\n  | { readonly tag: 'moonRose' }\n",
    ],
    [
      'a state has no row',
      'data.ts',
      "  | { readonly tag: 'succeeded' }\n",
      "  | { readonly tag: 'succeeded' }\n  | { readonly tag: 'dreaming' }\n",
    ],
    ['a timer in a pure room', 'table.ts', '', 'setTimeout(() => undefined, 1);\n'],
    ['a platform’s randomness in a pure room', 'table.ts', '', 'crypto.getRandomValues(new Uint8Array(1));\n'],
    ['a handler stands in the wrong row', 'table.ts', 'collectTimedOut: dropLate,', 'collectTimedOut: giveUp,'],
    ['a handler stands in the wrong column', 'table.ts', 'channelReady: forward,', 'channelReady: fund,'],
    [
      'a handler reaches a state that its cell does not name',
      'table.ts',
      "cell('give up', ['failed']",
      "cell('give up', ['succeeded']",
    ],
  ])('%s', (_, file, from, to) => expect(compiles(file, from, to)).toBe(false));
});
