// Writes docs/api/*.md, one page for each entry point, from the docstrings of lib/.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const app = await Application.bootstrapWithPlugins({
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: [
    'index.ts',
    'text/index.ts',
    'chain/index.ts',
    'transports/tcp/index.ts',
    'transports/websocket/index.ts',
    'stores/file/index.ts',
    'stores/indexeddb/index.ts',
    'stores/sqlite/index.ts',
    'nodes/memory/index.ts',
    'nodes/ldk/index.ts',
    'nodes/lnd/index.ts',
    'nodes/cln/index.ts',
    'testing/index.ts',
    'lsp/index.ts',
  ].map((file) => path(`../../lib/${file}`)),
  tsconfig: path('../../lib/tsconfig.json'),
  basePath: path('../../lib'),
  name: 'lsps2',
  readme: 'none',
  out: path('../api'),
  router: 'module',
  excludeInternal: true,
  excludeExternals: true,
  disableSources: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: false,
  expandObjects: false,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  // Types behind a door are shown where they stand, or not at all.
  validation: { notExported: false },
  logLevel: 'Warn',
});
const project = await app.convert();
if (!project || app.logger.hasErrors()) process.exit(1);
rmSync(path('../api'), { recursive: true, force: true });
await app.generateOutputs(project);
if (app.logger.hasErrors()) process.exit(1);
