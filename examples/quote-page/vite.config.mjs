import { fileURLToPath } from 'node:url';

const dist = (file) => fileURLToPath(new URL(`../../dist/${file}/index.js`, import.meta.url));

/** In this repository the package is its own build; a project of yours has it from npm, and needs none of this. */
export default {
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  build: { outDir: '../../.cache/quote-page', emptyOutDir: true },
  resolve: {
    alias: [
      { find: /^lsps2$/, replacement: dist('.') },
      { find: 'lsps2/text', replacement: dist('text') },
      { find: 'lsps2/websocket', replacement: dist('transports/websocket') },
    ],
  },
};
