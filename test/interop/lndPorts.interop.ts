import { ldkLsp, ldkNode } from 'lsps2/ldk';
import { lndNode, lndWallet } from 'lsps2/lnd';
import { memoryStore } from 'lsps2/memory';
import { bitcoindChain } from 'lsps2/testing';
import { describe } from 'vitest';
import { findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { nodesKeepThePorts } from '../compliance/nodes.ts';
import { findLnd, startLnd } from './lndNode.ts';
import { whatIsMissing } from './say.ts';

// Runs in `.ci/run`, which builds an lnd; a newcomer's machine may have none, and `whatIsMissing` has printed that.
describe.skipIf(whatIsMissing('lnd') !== undefined)('a wallet on lnd', () => {
  nodesKeepThePorts('lnd', async () => {
    const bitcoind = await startBitcoind(findBitcoind()!);
    const chain = await bitcoindChain(bitcoind.url, { follow: true });
    const lnd = await startLnd(findLnd()!, { bitcoind: bitcoind.url });
    const node = await lndNode(lnd.credentials);
    const wallet = await lndWallet(node, { store: memoryStore(), others: 'refuse' });
    const lsp = await ldkNode({ role: 'lsp', chain });
    const port = await lsp.listen();
    return {
      lsp: await ldkLsp(lsp),
      wallet,
      hearsWithTheNext: true,
      lspUri: `${lsp.nodeId}@127.0.0.1:${port}`,
      async close() {
        wallet.close();
        node.close();
        await lsp.stop();
        await lnd.stop();
        await chain.close();
        await bitcoind.stop();
      },
    };
  });
});
