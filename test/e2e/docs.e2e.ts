import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (page: string) => readFileSync(`${ROOT}/${page}`, 'utf8');
const pages = [
  'README.md',
  ...readdirSync(`${ROOT}/docs`)
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** Every TypeScript example of a page; `run` after the language means that it runs as it stands. */
const examples = pages.flatMap((page) =>
  [...read(page).matchAll(/```ts( run)?\n([\s\S]*?)```/g)].map(([, run, code = ''], index) => ({
    name: `${page}, example ${index + 1}`,
    runs: run !== undefined || page === 'README.md',
    code,
  })),
);

const folder = `${ROOT}/.cache/examples`;
const exec = promisify(execFile);

describe('the examples of the docs', () => {
  test('are there', () => expect(examples.length).toBeGreaterThan(6));

  test.each(examples.filter(({ runs }) => runs))('$name runs, on the built package', async ({ name, code }) => {
    mkdirSync(folder, { recursive: true });
    const file = `${folder}/${name.replace(/\W/g, '-')}.mjs`;
    writeFileSync(file, code);
    const { stdout } = await exec(process.execPath, [file], { cwd: ROOT, timeout: 60_000 });
    expect(name.startsWith('README') ? stdout : stdout.length > 0).toBe(name.startsWith('README') ? '' : true);
  });

  test('compile, as a user’s project would', async () => {
    mkdirSync(folder, { recursive: true });
    const files = examples.map(({ name, code }) => {
      const file = `${folder}/${name.replace(/\W/g, '-')}.ts`;
      // Top-level await needs a module.
      writeFileSync(file, `${code}\nexport {};\n`);
      return file;
    });
    const options = ['--noEmit', '--strict', '--noImplicitAny', 'false', '--skipLibCheck', '--types', 'node'];
    const where = ['--module', 'nodenext', '--target', 'es2022', '--ignoreConfig'];
    const tsc = `${ROOT}/node_modules/.bin/tsc`;
    const said = await exec(tsc, [...options, ...where, ...files], { cwd: ROOT, timeout: 60_000 }).then(
      () => '',
      (cause: unknown) => (cause as { stdout: string }).stdout,
    );
    expect(said).toBe('');
  }, 90_000);

  test('README’s example has at most 15 lines', () => {
    const [first] = examples.filter(({ name }) => name.startsWith('README'));
    const lines = first!.code.split('\n').filter((line) => line.trim() !== '');
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.length).toBeLessThanOrEqual(15);
  });
});

describe('docs/spec.md', () => {
  const rows = [...read('docs/spec.md').matchAll(/^\|(?! section| ?---)(.*)\|$/gm)].map(([, row = '']) => row);
  const named = rows.flatMap((row) => [...row.matchAll(/`(test\/[^`]+)` "((?:[^"\\]|\\.)+)"/g)]);

  test('has a row for each requirement, and names its tests', () => {
    expect(rows.length).toBeGreaterThan(40);
    expect(named.length).toBeGreaterThan(40);
  });
  test.each(named.map(([, file = '', title = '']) => ({ file, title })))('$file has "$title"', ({ file, title }) => {
    expect(read(file)).toContain(title.replaceAll('\\|', '|'));
  });
});
