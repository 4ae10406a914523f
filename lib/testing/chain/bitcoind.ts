import { fromHex, toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { type Txid, txid } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import type { Block, SignedFunding } from '../../nodes/ldk/chain.ts';
import type { TestChain } from './chain.ts';
import { type RpcClient, rpcClient } from './rpc.ts';

// A real bitcoind on regtest. We mine and fund with a wallet of our own in it.

const RPC_VERIFY_ALREADY_IN_CHAIN = -27;
const FEE_RATE_SAT_PER_VB = 2;
const SAT_DECIMALS = 8;
/** Coinbase outputs mature after 100 blocks. */
const MATURE_BLOCKS = 101;
const HEADER_BYTES = 80;
const WALLET = 'lsps2-testing';
const RPC_WALLET_ALREADY = [-4, -35, -36];
const BALANCE_LEAST_BTC = 5;

interface RpcBlock {
  readonly hash: string;
  readonly height: number;
  readonly tx: readonly { readonly txid: string; readonly hex: string; readonly vin: readonly object[] }[];
}

/** `url`: `http://user:password@host:port`. @throws NodeError when it does not answer, or is not on regtest. */
export async function bitcoindChain(url: string): Promise<TestChain> {
  const rpc = rpcClient(url);
  const info = await rpc.call<{ chain: string }>('getblockchaininfo');
  if (info.chain !== 'regtest') throw new NodeError(`this bitcoind is on ${info.chain}; only regtest is used here`);
  const wallet = rpc.wallet(WALLET);
  await loadWallet(rpc);
  const miner = await wallet.call<string>('getnewaddress', '', 'bech32');
  const blockListeners = listeners<[Block]>();

  const tipHash = () => rpc.call<string>('getbestblockhash');
  let tip: { height: number; hash: Uint8Array } = { height: 0, hash: new Uint8Array(32) };

  async function deliver(hash: string): Promise<void> {
    const [header, block] = await Promise.all([
      rpc.call<string>('getblockheader', hash, false),
      rpc.call<RpcBlock>('getblock', hash, 2),
    ]);
    tip = { height: block.height, hash: fromHex(block.hash).reverse() };
    const transactions = block.tx.map((each, index) => ({ index, raw: fromHex(each.hex) })).slice(1);
    blockListeners.tell({ height: block.height, header: checkHeader(header), transactions });
  }

  async function mine(blocks: number): Promise<void> {
    for (const hash of await wallet.call<string[]>('generatetoaddress', blocks, miner)) await deliver(hash);
  }

  // Regtest halves its subsidy every 150 blocks: on a chain that is kept, the coins of earlier runs are the rich ones.
  const { mine: mined } = await wallet.call<{ mine: { trusted: number } }>('getbalances');
  await mine(mined.trusted < BALANCE_LEAST_BTC ? MATURE_BLOCKS : 1);
  await deliver(await tipHash());

  return {
    tip: () => tip,
    onBlock: blockListeners.add,
    async broadcast(raw) {
      const hex = toHex(raw);
      try {
        return txid(await rpc.call<string>('sendrawtransaction', hex));
      } catch (error) {
        if ((error as { rpcCode?: unknown }).rpcCode !== RPC_VERIFY_ALREADY_IN_CHAIN) throw error;
        const { txid: id } = await rpc.call<{ txid: string }>('decoderawtransaction', hex);
        return txid(id);
      }
    },
    async fund(script, value): Promise<SignedFunding> {
      const { address } = await rpc.call<{ address: string }>('decodescript', toHex(script));
      const amount = `${value / 100_000_000n}.${(value % 100_000_000n).toString().padStart(SAT_DECIMALS, '0')}`;
      const bare = await rpc.call<string>('createrawtransaction', [], [{ [address]: amount }]);
      const funded = await wallet.call<{ hex: string; changepos: number }>('fundrawtransaction', bare, {
        change_type: 'bech32',
        lockUnspents: true,
        fee_rate: FEE_RATE_SAT_PER_VB,
      });
      const signed = await wallet.call<{ hex: string; complete: boolean }>('signrawtransactionwithwallet', funded.hex);
      if (!signed.complete) throw new NodeError('bitcoind could not sign the funding transaction');
      const { txid: id } = await rpc.call<{ txid: string }>('decoderawtransaction', signed.hex);
      // bitcoind puts the change in front or behind, by chance.
      return { raw: fromHex(signed.hex), txid: txid(id), vout: funded.changepos === 0 ? 1 : 0 };
    },
    async release({ raw }) {
      const { vin } = await rpc.call<{ vin: { txid: string; vout: number }[] }>('decoderawtransaction', toHex(raw));
      const locked = await wallet.call<{ txid: string; vout: number }[]>('listlockunspent');
      const ours = locked.filter((coin) => vin.some((each) => each.txid === coin.txid && each.vout === coin.vout));
      if (ours.length > 0) await wallet.call('lockunspent', true, ours);
    },
    mine,
    heightOf: (id) => heightOf(wallet, id),
    inMempool: async (id) => (await rpc.call<string[]>('getrawmempool')).includes(id),
    async close() {
      // The wallet stays loaded: another network may be using it.
    },
  };
}

/** One wallet for all runs on this bitcoind. */
async function loadWallet(rpc: RpcClient): Promise<void> {
  const loaded = await rpc.call<string[]>('listwallets');
  if (loaded.includes(WALLET)) return;
  try {
    await rpc.call('createwallet', WALLET);
  } catch (error) {
    if (!RPC_WALLET_ALREADY.includes(Number((error as { rpcCode?: unknown }).rpcCode))) throw error;
    await rpc.call('loadwallet', WALLET);
  }
}

async function heightOf(wallet: RpcClient, id: Txid): Promise<number | undefined> {
  const found = await wallet.call<{ blockheight?: number }>('gettransaction', id).catch(() => undefined);
  return found?.blockheight;
}

function checkHeader(hex: string): Uint8Array {
  const header = fromHex(hex);
  if (header.length !== HEADER_BYTES) throw new NodeError('bitcoind returned a block header of a wrong length');
  return header;
}
