import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { CHROMIUM_ARGUMENTS, findChromium } from './browser/chromium.ts';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** Tests and examples import the package by its name, as its users do; here the name leads to the sources. */
const alias = [
  { find: /^lsps2$/, replacement: path('../lib/index.ts') },
  { find: /^lsps2\/(memory|ldk|lnd|cln)$/, replacement: path('../lib/nodes/$1/index.ts') },
  { find: /^lsps2\/(file|indexeddb|sqlite)$/, replacement: path('../lib/stores/$1/index.ts') },
  { find: /^lsps2\/(tcp|websocket)$/, replacement: path('../lib/transports/$1/index.ts') },
  { find: /^lsps2\/(.+)$/, replacement: path('../lib/$1/index.ts') },
];

/** The pure rooms, the client and the browser's own store, in a real browser engine. */
function browserProject() {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    // stderr: a report on stdout stays a report.
    process.stderr.write('no chromium on the PATH ($CHROMIUM): the tests in a browser are skipped\n');
    return [];
  }
  const include = ['protocol', 'client', 'browser'].map((folder) => `test/${folder}/**/*.test.ts`);
  const { resolve, ...rest } = project(
    'browser',
    [...include, 'test/session/step.test.ts', 'test/lsp/memory.test.ts', 'test/compliance/memory.test.ts'],
    {
      setupFiles: [path('setup.ts')],
      testTimeout: 60_000,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath, args: CHROMIUM_ARGUMENTS } }),
        instances: [{ browser: 'chromium' }],
      },
    },
  );
  const rows = { find: /^.*\/rows\.ts$/, replacement: path('browser/rows.ts') };
  return [{ ...rest, resolve: { alias: [...resolve.alias, rows] }, cacheDir: path('../.cache/vite') }];
}

function project(name, include, more = {}) {
  return { root: path('..'), resolve: { alias }, test: { name, include, environment: 'node', ...more } };
}

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/**/*.test.ts'], {
        exclude: ['test/browser/**'],
        setupFiles: [path('setup.ts')],
        testTimeout: 30_000,
      }),
      project('e2e', ['test/**/*.e2e.ts'], {
        testTimeout: 120_000,
        hookTimeout: 120_000,
        // A Rust panic poisons the WASM instance for the whole process: each file has a process of its own.
        pool: 'forks',
        fileParallelism: false,
      }),
      // On nodes that we did not write: `npm run test:interop`, and not part of `npm test`.
      project('interop', ['test/**/*.interop.ts'], {
        testTimeout: 120_000,
        hookTimeout: 600_000,
        pool: 'forks',
        fileParallelism: false,
      }),
      ...browserProject(),
    ],
  },
});
