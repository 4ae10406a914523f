import { setTimeout as sleep } from 'node:timers/promises';
import { fromHex, toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { type Txid, txid } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import { serial } from '../../core/serial.ts';
import type { Block, SignedFunding } from '../../nodes/ldk/chain.ts';
import type { TestChain } from './chain.ts';
import { bitcoindView } from '../../chain/bitcoind.ts';
import { type RpcClient, rpcClient } from './rpc.ts';

// A real bitcoind on regtest. We mine and fund with a wallet of our own in it.

const RPC_VERIFY_ALREADY_IN_CHAIN = -27;
const FEE_RATE_SAT_PER_VB = 2;
const SAT_DECIMALS = 8;
/** Coinbase outputs mature after 100 blocks. */
const MATURE_BLOCKS = 101;
const WAIT_MS = 5_000;
const WAIT_AFTER_ERROR_MS = 1_000;
const HEADER_BYTES = 80;
const WALLET = 'lsps2-testing';
const RPC_WALLET_ALREADY = [-4, -35, -36];
const BALANCE_LEAST_BTC = 5;

interface RpcBlock {
  readonly hash: string;
  readonly height: number;
  readonly tx: readonly { readonly txid: string; readonly hex: string; readonly vin: readonly object[] }[];
}

export interface BitcoindOptions {
  /** Whether to wait for blocks that others mine; our own are told of anyway. */
  readonly follow?: boolean;
}

/** `url`: `http://user:password@host:port`. @throws NodeError when it does not answer, or is not on regtest. */
export async function bitcoindChain(url: string, { follow = false }: BitcoindOptions = {}): Promise<TestChain> {
  const rpc = rpcClient(url);
  const info = await rpc.call<{ chain: string }>('getblockchaininfo');
  if (info.chain !== 'regtest') throw new NodeError(`this bitcoind is on ${info.chain}; only regtest is used here`);
  const wallet = rpc.wallet(WALLET);
  await loadWallet(rpc);
  const miner = await wallet.call<string>('getnewaddress', '', 'bech32');
  const blockListeners = listeners<[Block]>();

  let tip: { height: number; hash: Uint8Array } = { height: 0, hash: new Uint8Array(32) };

  async function read(hash: string): Promise<Block> {
    const [header, { height, tx }] = await Promise.all([
      rpc.call<string>('getblockheader', hash, false),
      rpc.call<RpcBlock>('getblock', hash, 2),
    ]);
    const transactions = tx.map((each, index) => ({ index, raw: fromHex(each.hex) })).slice(1);
    return { height, header: checkHeader(header), transactions };
  }

  const inOrder = serial();
  /** Tells of every block up to the tip that was not told of yet. */
  const catchUp = (): Promise<void> =>
    inOrder(async () => {
      const height = await rpc.call<number>('getblockcount');
      for (let at = tip.height + 1; at <= height; at++) {
        const hash = await rpc.call<string>('getblockhash', at);
        const block = await read(hash);
        tip = { height: at, hash: fromHex(hash).reverse() };
        blockListeners.tell(block);
      }
    });

  async function mine(blocks: number): Promise<void> {
    await wallet.call<string[]>('generatetoaddress', blocks, miner);
    await catchUp();
  }

  const closing = new AbortController();
  async function wait(): Promise<void> {
    while (!closing.signal.aborted) {
      // bitcoind answers when a block has come, or after a while without one.
      await rpc.call('waitfornewblock', WAIT_MS).catch(() => sleep(WAIT_AFTER_ERROR_MS));
      if (!closing.signal.aborted) await catchUp().catch(() => undefined);
    }
  }

  // Regtest halves its subsidy every 150 blocks: on a chain that is kept, the coins of earlier runs are the rich ones.
  const { mine: mined } = await wallet.call<{ mine: { trusted: number } }>('getbalances');
  await wallet.call<string[]>('generatetoaddress', mined.trusted < BALANCE_LEAST_BTC ? MATURE_BLOCKS : 1, miner);
  const best = await rpc.call<string>('getbestblockhash');
  tip = { height: (await read(best)).height, hash: fromHex(best).reverse() };
  if (follow) void wait();

  return {
    tip: () => tip,
    async since(height) {
      const missed: Block[] = [];
      for (let at = height + 1; at <= tip.height; at++)
        missed.push(await read(await rpc.call<string>('getblockhash', at)));
      return missed;
    },
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
    output: bitcoindView(url).output,
    heightOf: (id) => heightOf(wallet, id),
    inMempool: async (id) => (await rpc.call<string[]>('getrawmempool')).includes(id),
    async close() {
      // The wallet stays loaded: another network may be using it.
      closing.abort();
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
