import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM_ARGUMENTS, findChromium } from './chromium.ts';

// F: two tabs of one browser, on the built package and the browser's own IndexedDB and Web Locks.

const executablePath = findChromium();

const PAGE = '<!doctype html><script type="module" src="/tab.js"></script>';

// Runs in `.ci/run`, which installs a chromium; a newcomer's machine may have none, and `findChromium` has printed that.
describe.skipIf(!executablePath)('two tabs', () => {
  let server: Server;
  let browser: Browser;
  let context: BrowserContext;
  let origin = '';

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('tab.mjs', import.meta.url));
    const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: 'esm' });
    server = createServer((request, response) => {
      const isCode = request.url === '/tab.js';
      response.setHeader('content-type', isCode ? 'text/javascript' : 'text/html');
      response.end(isCode ? outputFiles[0]!.text : PAGE);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // localhost is a secure context, which Web Locks ask for.
    origin = `http://localhost:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: executablePath!, args: CHROMIUM_ARGUMENTS });
    context = await browser.newContext();
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  /** A tab with a wallet in it; resolves when it has opened its store. */
  async function tab(): Promise<Page> {
    const page = await context.newPage();
    await page.goto(origin);
    await page.waitForFunction('window.wallet !== undefined');
    return page;
  }
  const call = <T>(page: Page, expression: string) => page.evaluate<T>(`wallet.${expression}`);

  test('the first buys and is paid; the second reads, and takes over when the first is gone', async () => {
    const first = await tab();
    const invoice = await call<string>(first, 'buy()');
    expect(invoice).toMatch(/^lnbcrt/);

    const second = await tab();
    expect(await call(second, 'readOnly')).toBe(true);
    expect(await call(second, 'invoices()')).toEqual([invoice]);
    expect(await call(second, 'buy().catch((error) => error.limit)')).toBe('readOnly');

    expect(await call(first, 'pay()')).toBe('paid');
    await first.close(); // as a user does: nobody says goodbye
    await call(second, 'writable()');
    await second.reload();
    await second.waitForFunction('window.wallet !== undefined');
    expect(await call(second, 'readOnly')).toBe(false);
    expect(await call(second, 'states()')).toEqual(['paid']);
    expect(await call(second, 'buy()')).toMatch(/^lnbcrt/);
  });
});
