import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const LIB = fileURLToPath(new URL('../lib', import.meta.url));

/** Which rooms a room may enter, and which packages it may use. Types count too: a door is a door. */
const DOORS: Record<string, { rooms: string[]; packages: (string | RegExp)[] }> = {
  core: { rooms: [], packages: [] },
  protocol: { rooms: ['core'], packages: [/^@noble\//, '@scure/base'] },
  ports: { rooms: ['core'], packages: [] },
  platform: { rooms: ['core', 'ports'], packages: [] },
  session: { rooms: ['core', 'protocol'], packages: [] },
  client: { rooms: ['core', 'protocol', 'ports', 'platform'], packages: [] },
  lsp: { rooms: ['core', 'protocol', 'ports', 'platform', 'session'], packages: ['eventemitter3'] },
  chain: { rooms: ['core', 'ports'], packages: ['@scure/base'] },
  stores: { rooms: ['core', 'ports'], packages: [] },
  'stores/file': { rooms: ['core', 'ports'], packages: [/^node:/] },
  'stores/indexeddb': { rooms: ['core', 'ports'], packages: [] },
  'stores/sqlite': { rooms: ['core', 'ports'], packages: ['libsql', 'node:fs'] },
  'nodes/memory': {
    rooms: ['core', 'protocol', 'ports', 'platform', 'stores'],
    packages: [/^@noble\//, 'eventemitter3'],
  },
  'nodes/ldk': {
    rooms: ['core', 'protocol', 'ports', 'nodes/parts'],
    packages: ['lightningdevkit', 'eventemitter3', /^node:/],
  },
  'nodes/grpc': { rooms: ['core', 'protocol', 'ports'], packages: ['@grpc/grpc-js'] },
  'nodes/parts': { rooms: ['core', 'ports'], packages: [] },
  'nodes/lnd': {
    rooms: ['core', 'protocol', 'ports', 'platform', 'nodes/grpc', 'nodes/parts', 'generated'],
    packages: ['@grpc/grpc-js', /^@noble\//, '@scure/base', 'node:fs/promises'],
  },
  'nodes/cln': {
    rooms: ['core', 'protocol', 'ports', 'platform', 'nodes/grpc', 'nodes/parts', 'generated'],
    packages: ['@grpc/grpc-js', /^@noble\//, 'node:fs/promises', 'node:path'],
  },
  // Written by ts-proto from proto/, and not read by anybody.
  generated: { rooms: [], packages: ['@grpc/grpc-js', '@bufbuild/protobuf/wire'] },
  transports: { rooms: ['core', 'protocol', 'ports', 'platform'], packages: [] },
  'transports/tcp': { rooms: ['core', 'ports', 'transports'], packages: ['node:net', 'socks'] },
  'transports/websocket': { rooms: ['core', 'ports', 'transports'], packages: [] },
  text: { rooms: ['core', 'client'], packages: [] },
  testing: {
    rooms: ['core', 'protocol', 'ports', 'platform', 'lsp', 'stores', 'chain', 'nodes/ldk', 'nodes/memory', 'client'],
    packages: [/^@noble\//, 'lightningdevkit', /^node:/],
  },
};

const FILE_LINES_MAX = 300;
const MEDIAN_LINES_MAX = 100;

const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(LIB, file), 'utf8') }));

const roomOf = (file: string) => {
  const [first = '', second = ''] = file.split('/');
  return first === 'nodes' || (['stores', 'transports'].includes(first) && !second.endsWith('.ts'))
    ? `${first}/${second}`
    : first;
};

const imports = files.flatMap(({ file, text }) =>
  [...text.matchAll(/(?:^|\n)\s*(?:import|export)[^'";]*?from\s+'([^']+)'|import\('([^']+)'\)/g)].map((match) => ({
    file,
    from: match[1] ?? match[2] ?? '',
  })),
);

describe('the house', () => {
  test('has files', () => expect(files.length).toBeGreaterThan(50));

  // lib/index.ts is the front door: it joins rooms, and nothing enters it.
  const inner = imports.filter(({ file }) => file.includes('/'));

  test.each(inner.filter(({ from }) => from.startsWith('.')))('$file may enter $from', ({ file, from }) => {
    const target = relative(LIB, resolve(LIB, dirname(file), from));
    const [here, there] = [roomOf(file), roomOf(target)];
    expect(target.startsWith('..')).toBe(false);
    expect(DOORS[here], `the room ${here} has no entry in DOORS`).toBeDefined();
    expect(here === there || DOORS[here]!.rooms.includes(there), `${here} -> ${there}`).toBe(true);
    expect(from).toMatch(/\.ts$/);
  });

  test.each(inner.filter(({ from }) => !from.startsWith('.')))('$file may use $from', ({ file, from }) => {
    const allowed = DOORS[roomOf(file)]!.packages;
    expect(allowed.some((each) => (typeof each === 'string' ? each === from : each.test(from)))).toBe(true);
  });

  const lines = files
    .filter(({ file }) => !file.startsWith('generated/'))
    .map(({ file, text }) => ({ file, count: text.split('\n').length }))
    .sort((a, b) => a.count - b.count);
  test('has small files', () => {
    expect(lines.filter(({ count }) => count > FILE_LINES_MAX)).toEqual([]);
    expect(lines[Math.floor(lines.length / 2)]!.count).toBeLessThanOrEqual(MEDIAN_LINES_MAX);
  });

  test('logs by the port, never by the console', () => {
    expect(
      files
        .filter(({ text }) => /\bconsole\.(?!log = )/.test(text.replace(/globalThis\.console/g, '')))
        .map(({ file }) => file),
    ).toEqual([]);
  });
});
