import { network } from 'lsps2/testing';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { preview, build } from 'vite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { wsRelay } from '../../examples/jit-invoice/wsRelay.ts';
import { parseUri } from '../../lib/core/ids.ts';
import { CHROMIUM_ARGUMENTS, findChromium } from './chromium.ts';

// D: the example page, built, in a real browser, asks a real LDK node for its price. A picture of it is left in .cache/.

const executablePath = findChromium();
const configFile = fileURLToPath(new URL('../../examples/quote-page/vite.config.mjs', import.meta.url));
const pictures = fileURLToPath(new URL('../../.cache/pictures', import.meta.url));

// Runs in `.ci/run`, which installs a chromium; a newcomer's machine may have none, and `findChromium` has printed that.
describe.skipIf(executablePath === undefined)('the example page', () => {
  async function opened() {
    await build({ configFile, logLevel: 'error' });
    const server = await preview({ configFile, preview: { port: 0, host: '127.0.0.1' }, logLevel: 'error' });
    const browser = await chromium.launch({ executablePath: executablePath ?? '', args: CHROMIUM_ARGUMENTS });
    onTestFinished(async () => {
      await browser.close();
      await server.close();
    });
    const page = await browser.newPage({ viewport: { width: 900, height: 900 } });
    const trouble: string[] = [];
    page.on('pageerror', (error) => trouble.push(String(error)));
    return { page, trouble, url: server.resolvedUrls?.local[0] ?? '' };
  }

  test('shows the fee that the LSP charges, and what went wrong', async () => {
    const net = await network({ policy: { proportionalPpm: 12_345 } });
    const { nodeId, port } = parseUri(net.lsp.uri);
    const relay = await wsRelay({ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port });
    onTestFinished(async () => {
      await relay.close();
      await net.close();
    });
    const { page, trouble, url } = await opened();
    const lsp = `${nodeId}@ws://127.0.0.1:${relay.port}/`;

    await page.goto(`${url}?lsp=${encodeURIComponent(lsp)}`);
    expect(await page.inputValue('#lsp')).toBe(lsp);
    await page.click('button');
    await page.waitForSelector('.fee');
    expect(await page.textContent('.fee')).toBe('3,086.25 sat');
    expect(await page.textContent('#answer')).toContain('You get246,913.75 sat');
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: `${pictures}/quote-page.png` });

    const failure = async (where: string, amount: string) => {
      await page.fill('#lsp', where);
      await page.fill('#amount', amount);
      await page.click('button');
      await page.waitForSelector('.error');
      return page.textContent('.error');
    };
    expect(await failure(lsp, '1')).toBe('The LSP does not open a channel for so small a payment. Ask for more.');
    await page.screenshot({ path: `${pictures}/quote-page-error.png` });
    expect(await failure(`${nodeId}@ws://127.0.0.1:1/`, '250000')).toBe(
      'The LSP cannot be reached. Look at your connection, or try later.',
    );
    expect(trouble).toEqual([]);
  });
});
