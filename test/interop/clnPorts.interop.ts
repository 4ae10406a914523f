import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clnHookedWallet, clnStore, type HookedWallet } from 'lsps2/cln';
import { ldkLsp, ldkNode } from 'lsps2/ldk';
import { bitcoindChain } from 'lsps2/testing';
import { describe } from 'vitest';
import { runPlugin } from '../../examples/cln-plugin/host.ts';
import { lightningdOf } from '../../examples/cln-plugin/plugin.ts';
import { findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { nodesKeepThePorts } from '../compliance/nodes.ts';
import { findLightningd, startCln } from './clnNode.ts';
import { whatIsMissing } from './say.ts';

// Core Lightning comes in no package that `.ci/run` could install; `whatIsMissing` has printed that there is none.
describe.skipIf(whatIsMissing('lightningd') !== undefined)('a wallet inside Core Lightning', () => {
  nodesKeepThePorts('Core Lightning', async () => {
    const bitcoind = await startBitcoind(findBitcoind()!);
    const chain = await bitcoindChain(bitcoind.url, { follow: true });
    const folder = mkdtempSync(join(tmpdir(), 'lsps2-bridge-'));
    const path = join(folder, 'socket');
    let close = () => undefined as void;
    const wallet = new Promise<HookedWallet>((resolve) => {
      const server = createServer((socket) => {
        runPlugin({
          input: socket,
          output: socket,
          exit: () => socket.destroy(),
          async start(init, told, log) {
            const cln = await lightningdOf(init, told, log);
            const store = clnStore(cln);
            const hooked = await clnHookedWallet(cln, { store, others: 'refuse' });
            close = () => {
              hooked.close();
              store.close();
              cln.close();
              server.close();
            };
            resolve(hooked);
            return { wallet: hooked };
          },
        });
      }).listen(path);
    });
    process.env['LSPS2_BRIDGE'] = path;
    const bridge = fileURLToPath(new URL('clnBridge.mjs', import.meta.url));
    const cln = await startCln(findLightningd()!, {
      bitcoind: bitcoind.url,
      role: 'wallet',
      more: [`--plugin=${bridge}`],
    });
    const lsp = await ldkNode({ role: 'lsp', chain });
    const port = await lsp.listen();
    return {
      lsp: await ldkLsp(lsp),
      wallet: await wallet,
      hearsWithTheNext: true,
      losesErrors: true,
      lspUri: `${lsp.nodeId}@127.0.0.1:${port}`,
      async close() {
        close();
        await lsp.stop();
        await cln.stop();
        await chain.close();
        await bitcoind.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  });
});
