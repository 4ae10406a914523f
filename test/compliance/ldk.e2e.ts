import { startNode } from '../../lib/nodes/ldk/node.ts';
import { ldkLsp } from '../../lib/nodes/ldk/lsp.ts';
import { ldkWallet } from '../../lib/nodes/ldk/wallet.ts';
import { memoryChain } from '../../lib/testing/chain/memory.ts';
import { nodesKeepThePorts } from './nodes.ts';

nodesKeepThePorts('LDK', async () => {
  const chain = memoryChain();
  const [lsp, wallet] = [await startNode({ chain, role: 'lsp' }), await startNode({ chain, role: 'wallet' })];
  const port = await lsp.listen();
  return {
    lsp: ldkLsp(lsp),
    wallet: ldkWallet(wallet),
    lspUri: `${lsp.nodeId}@127.0.0.1:${port}`,
    async close() {
      await wallet.stop();
      await lsp.stop();
    },
  };
});
