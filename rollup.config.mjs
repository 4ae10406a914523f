import { chmod, readFile } from 'node:fs/promises';

/** tsc has compiled lib/ and the CLI into build/. Rollup lays the modules out in dist/ and keeps the source maps whole. */
const compiled = {
  name: 'compiled',
  load: async (id) => ({ code: await readFile(id, 'utf8'), map: await readFile(`${id}.map`, 'utf8') }),
};

const BINS = ['jit-invoice', 'cln-plugin'];

/** npm makes a bin executable when it installs a package, but not in a clone. */
const executable = {
  name: 'executable',
  writeBundle: () => Promise.all(BINS.map((bin) => chmod(`dist/${bin}/main.js`, 0o755))),
};

export default {
  input: {
    index: 'build/index.js',
    'text/index': 'build/text/index.js',
    'protocol/index': 'build/protocol/index.js',
    'session/index': 'build/session/index.js',
    'lsp/index': 'build/lsp/index.js',
    'nodes/memory/index': 'build/nodes/memory/index.js',
    'nodes/ldk/index': 'build/nodes/ldk/index.js',
    'nodes/lnd/index': 'build/nodes/lnd/index.js',
    'nodes/cln/index': 'build/nodes/cln/index.js',
    'chain/index': 'build/chain/index.js',
    'stores/file/index': 'build/stores/file/index.js',
    'stores/indexeddb/index': 'build/stores/indexeddb/index.js',
    'stores/sqlite/index': 'build/stores/sqlite/index.js',
    'transports/tcp/index': 'build/transports/tcp/index.js',
    'transports/websocket/index': 'build/transports/websocket/index.js',
    'testing/index': 'build/testing/index.js',
    'jit-invoice/main': 'build/jit-invoice/main.js',
    'cln-plugin/main': 'build/cln-plugin/main.js',
  },
  external: /^(?![./])/,
  plugins: [compiled, executable],
  output: { dir: 'dist', format: 'es', preserveModules: true, preserveModulesRoot: 'build', sourcemap: true },
};
