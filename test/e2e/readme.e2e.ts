import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const example = (page: string) => /```ts\n([\s\S]*?)```/.exec(readFileSync(`${ROOT}/${page}`, 'utf8'))?.[1] ?? '';

/** The examples hold no types, so that Node runs them as they stand, on the built package. */
async function runExample(page: string): Promise<string> {
  mkdirSync(`${ROOT}/.cache`, { recursive: true });
  const file = `${ROOT}/.cache/${page.replace(/\W/g, '-')}.mjs`;
  writeFileSync(file, example(page));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: ROOT, timeout: 60_000 });
  return stdout;
}

test('the example of README.md has at most 15 lines, and runs', async () => {
  const code = example('README.md')
    .split('\n')
    .filter((line) => line.trim() !== '');
  expect(code.length).toBeGreaterThan(5);
  expect(code.length).toBeLessThanOrEqual(15);
  expect(await runExample('README.md')).toBe('');
});

test('the example of docs/testing.md runs', async () => {
  expect(await runExample('docs/testing.md')).toContain("tag: 'paid'");
});
