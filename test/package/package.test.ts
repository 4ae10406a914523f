import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, onTestFinished, test } from 'vitest';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Everything that an entry point imports, as a bundler for a browser sees it. */
async function bundle(entry: string, globalName?: string) {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    minify: globalName === undefined,
    format: globalName === undefined ? 'esm' : 'iife',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    logLevel: 'silent',
    ...(globalName === undefined ? {} : { globalName }),
  });
  const [output] = result.outputFiles;
  return { code: output!.text, inputs: Object.keys(result.metafile.inputs) };
}

describe('F: what a wallet imports', () => {
  test('lsps2 loads no gRPC, no WASM and no Node built-in', async () => {
    // A Node built-in would not resolve on this platform, and the build would fail.
    const { inputs } = await bundle(path('../../dist/index.js'));
    expect(inputs.filter((input) => /grpc|lightningdevkit|\.wasm|nodes\/ldk|testing/.test(input))).toEqual([]);
    const packages = new Set(inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []));
    expect([...packages].sort()).toEqual(['@noble/hashes', '@noble/secp256k1', '@scure/base']);
  });

  test('quote, buy, invoice and decode run with only what React Native has, and its polyfill for randomness', async () => {
    const { code } = await bundle(path('wallet.ts'), 'wallet');
    // Hermes has the language; React Native adds timers; react-native-get-random-values adds this crypto and no more.
    const context = vm.createContext({
      setTimeout,
      clearTimeout,
      crypto: { getRandomValues: (bytes: Uint8Array) => globalThis.crypto.getRandomValues(bytes) },
    });
    for (const absent of ['TextEncoder', 'TextDecoder', 'AbortController', 'process', 'Buffer', 'URL', 'fetch']) {
      expect(vm.runInContext(`typeof ${absent}`, context)).toBe('undefined');
    }
    vm.runInContext(code, context);
    expect(await vm.runInContext('wallet.receive()', context)).toBe('paid 247500000 250000000 caffè ☕');
  });
});

/** The package as it is installed, with nothing beside it but what it depends on. */
function installed(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lsps2-installed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'lsps2'), { recursive: true });
  cpSync(path('../../dist'), join(modules, 'lsps2', 'dist'), { recursive: true });
  cpSync(path('../../package.json'), join(modules, 'lsps2', 'package.json'));
  const { dependencies } = JSON.parse(readFileSync(path('../../package.json'), 'utf8')) as { dependencies: object };
  for (const name of Object.keys(dependencies))
    cpSync(path(`../../node_modules/${name}`), join(modules, name), { recursive: true, dereference: true });
  return folder;
}

describe('without the optional packages', () => {
  test.each([
    [
      'lsps2/lnd',
      `lndNode({ address: '127.0.0.1:1', macaroon: '00' })`,
      /^this needs the packages of gRPC: npm install @grpc\/grpc-js\S+ @bufbuild\/protobuf\S+$/,
    ],
    [
      'lsps2/cln',
      `clnNode({ address: '127.0.0.1:1', authority: '', certificate: '', key: '' })`,
      /^this needs the packages of gRPC: npm install @grpc\/grpc-js\S+ @bufbuild\/protobuf\S+$/,
    ],
    ['lsps2/ldk', 'ldkNode({})', /^this needs the package lightningdevkit: npm install lightningdevkit\S+$/],
  ])('%s says in one sentence what it needs', (subpath, call, sentence) => {
    const program = `import('${subpath}').then((it) => it.${call}).catch(({ code, message }) => console.log(code + ' ' + message))`;
    const said = execFileSync(process.execPath, ['-e', program], { cwd: installed(), encoding: 'utf8' });
    expect(said.trim()).toMatch(/^node /);
    expect(said.trim().slice('node '.length)).toMatch(sentence);
  });
});

test('the plugin of Core Lightning needs nothing beside it', () => {
  const main = join(installed(), 'node_modules', 'lsps2', 'dist', 'cln-plugin', 'main.js');
  const input = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'getmanifest', params: {} })}\n\n`;
  const said = execFileSync(main, { input, encoding: 'utf8' });
  expect(JSON.parse(said)).toMatchObject({ id: 1, result: { hooks: [{ name: 'htlc_accepted' }, {}, {}] } });
  expect(execFileSync(main, ['--help'], { encoding: 'utf8' })).toContain('lightning-cli plugin start PATH');
});

describe('the package', () => {
  type Package = {
    exports: Record<string, { types: string; default: string } | string>;
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const own = JSON.parse(readFileSync(path('../../package.json'), 'utf8')) as Package;
  const subpaths = Object.entries(own.exports).filter(
    (entry): entry is [string, { types: string; default: string }] => typeof entry[1] !== 'string',
  );

  test.each(subpaths)('%s has code and types', (_, { types, default: code }) => {
    for (const file of [types, code]) expect(readFileSync(path(`../../${file}`), 'utf8')).not.toBe('');
  });
  test.each(subpaths)('importing %s does not need the optional peers', (_, { default: code }) => {
    expect(readFileSync(path(`../../${code}`), 'utf8')).not.toMatch(/from '(lightningdevkit|@grpc\/grpc-js)'/);
  });
  test('pins exact versions', () => {
    for (const [name, version] of Object.entries({ ...own.dependencies, ...own.devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-\w+)?$/);
    }
  });
});
