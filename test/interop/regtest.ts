import { bitcoindChain } from 'lsps2/testing';
import { rpcClient } from '../../lib/testing/chain/rpc.ts';
import { until } from '../../lib/testing/until.ts';
import { startBitcoind } from '../bitcoind/bitcoind.ts';
import { type LdkPeer, type LdkPeerInit, startLdkPeer } from './ldkPeer.ts';

/** A chain of our own, and nodes of others on it. */
export interface Regtest {
  readonly url: string;
  mine(blocks: number): Promise<void>;
  /** Starts a node and puts confirmed coins into its wallet. */
  peer(init: Omit<LdkPeerInit, 'bitcoind'>, coins?: number): Promise<LdkPeer>;
  /** Opens confirmed channels, one after the other. */
  open(from: LdkPeer, to: { readonly nodeId: string; readonly port: number }, sats: readonly number[]): Promise<void>;
  stop(): Promise<void>;
}

const COIN_BTC = 1;
const DEPTH = 6;
const MINER = 'lsps2-testing';

export async function regtest(bitcoindBinary: string, ldkPeer: string): Promise<Regtest> {
  const bitcoind = await startBitcoind(bitcoindBinary);
  const chain = await bitcoindChain(bitcoind.url, { follow: true });
  const miner = rpcClient(bitcoind.url).wallet(MINER);
  const peers: LdkPeer[] = [];
  return {
    url: bitcoind.url,
    mine: (blocks) => chain.mine(blocks),
    async peer(init, coins = 3) {
      const peer = await startLdkPeer(ldkPeer, { bitcoind: bitcoind.url, ...init });
      peers.push(peer);
      for (let i = 0; i < coins; i++) await miner.call('sendtoaddress', await peer.run('address'), COIN_BTC);
      await chain.mine(DEPTH);
      await until(async () => {
        await peer.run('sync');
        return (await peer.balance()).onchain_sats >= coins * COIN_BTC * 100_000_000;
      }, 'its coins to be seen');
      return peer;
    },
    async open(from, to, sizes) {
      for (const sats of sizes) {
        const before = (await from.balance()).channels.filter((each) => each.usable).length;
        await from.run('open', { node_id: to.nodeId, address: `127.0.0.1:${to.port}`, sats });
        await until(async () => {
          await chain.mine(1);
          await new Promise((resolve) => setTimeout(resolve, 500));
          await from.run('sync');
          return (await from.balance()).channels.filter((each) => each.usable).length > before;
        }, `a channel of ${sats} sat to be ready`);
      }
    },
    async stop() {
      for (const peer of peers) await peer.stop();
      await chain.close();
      await bitcoind.stop();
    },
  };
}
