import { parseUri } from 'lsps2';
import { ldkNode } from 'lsps2/ldk';
import { bitcoindChain, type Payer, type TestChain } from 'lsps2/testing';
import { fileURLToPath } from 'node:url';
import { wholeSat } from '../../lib/core/amount.ts';
import { ldkMessages } from '../../lib/nodes/ldk/messages.ts';
import { rpcClient } from '../../lib/testing/chain/rpc.ts';
import { openChannel } from '../../lib/testing/openChannel.ts';
import { ldkPayer } from '../../lib/testing/payer.ts';
import { until } from '../../lib/testing/until.ts';
import { type ClnNode, findLightningd, startCln } from './clnNode.ts';
import { say } from './say.ts';

/** Core Lightning's own LSP, and an LDK payer with channels to it. */
export interface ClnLsp {
  readonly chain: TestChain;
  readonly lsp: ClnNode;
  readonly payer: Payer;
  /** From now on it takes too much in this way (`clnCheat.mjs`), or not. */
  cheat(how: 'not' | 'tlv' | 'msat' | 'short'): Promise<unknown>;
  close(): Promise<void>;
}

const COINS = 12;

export async function startClnLsp(bitcoind: string): Promise<ClnLsp> {
  const chain = await bitcoindChain(bitcoind, { follow: true });
  const cheater = fileURLToPath(new URL('clnCheat.mjs', import.meta.url));
  const lsp = await startCln(findLightningd()!, { bitcoind, role: 'lsp', more: [`--plugin=${cheater}`] });
  const { bech32 } = await lsp.rpc<{ bech32: string }>('newaddr', { addresstype: 'bech32' });
  for (let i = 0; i < COINS; i++) await rpcClient(bitcoind).wallet('lsps2-testing').call('sendtoaddress', bech32, 0.1);
  await chain.mine(6);
  const node = await ldkNode({ role: 'payer', chain });
  await ldkMessages(node).connect(parseUri(lsp.uri));
  const coins = async () => (await lsp.rpc<{ outputs: unknown[] }>('listfunds')).outputs.length;
  await until(async () => (await coins()) >= COINS, 'its coins');
  for (let i = 0; i < 2; i++) await openChannel(chain, node, parseUri(lsp.uri).nodeId, wholeSat(5_000_000n));
  say(`Core Lightning ${lsp.version} is up as an LSP`);
  return {
    chain,
    lsp,
    payer: ldkPayer(node),
    cheat: (how) => lsp.rpc('cheat', { how }),
    async close() {
      await node.stop();
      await lsp.stop();
      await chain.close();
    },
  };
}
