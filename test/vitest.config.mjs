import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** Tests and examples import the package by its name, as its users do; here the name leads to the sources. */
const alias = [
  { find: /^lsps2$/, replacement: path('../lib/index.ts') },
  { find: /^lsps2\/(memory|ldk)$/, replacement: path('../lib/nodes/$1/index.ts') },
  { find: /^lsps2\/(file|indexeddb|sqlite)$/, replacement: path('../lib/stores/$1/index.ts') },
  { find: /^lsps2\/(.+)$/, replacement: path('../lib/$1/index.ts') },
];

const project = (name, include, more = {}) => ({
  root: path('..'),
  resolve: { alias },
  test: { name, include, environment: 'node', ...more },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/**/*.test.ts'], { setupFiles: [path('setup.ts')], testTimeout: 30_000 }),
      project('e2e', ['test/**/*.e2e.ts'], {
        testTimeout: 120_000,
        hookTimeout: 120_000,
        // A Rust panic poisons the WASM instance for the whole process: each file has a process of its own.
        pool: 'forks',
        fileParallelism: false,
      }),
    ],
  },
});
