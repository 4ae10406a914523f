import { wholeSat } from '../../core/amount.ts';
import { concat, fromHex, toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { type Txid, txid } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import type { Block, SignedFunding } from '../../nodes/ldk/chain.ts';
import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import { systemRandom } from '../../platform/random.ts';
import type { ByteStore } from '../../ports/store.ts';
import type { TestChain } from './chain.ts';
import { buildTransaction, hash256, type Outpoint, parseTransaction, type Transaction, u32 } from './transaction.ts';

// A regtest of a few lines: no scripts, no signatures, no proof of work. LDK's Confirm asks for none of them. What it does
// insist on is here: nothing is mined twice, spent twice, or out of nothing.

const REGTEST_GENESIS_HASH = '06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f';
const BLOCK_VERSION = u32(4);
const REGTEST_BITS = u32(0x207f_ffff);
const FIRST_BLOCKS = 5;
const PREFIX = 'chain/';
/** nLockTime below this is a height. */
const LOCK_TIME_HEIGHT_END = 500_000_000;

const pointOf = ({ txid: id, vout }: Outpoint): string => `${id}:${vout}`;

export interface MemoryChainOptions {
  /** Where its blocks are kept, so that a node that was saved with them finds its chain again. */
  readonly store?: ByteStore;
}

/** A chain in memory. Coins for funding transactions come out of nowhere, as many as are asked for. */
export function memoryChain({ store }: MemoryChainOptions = {}): TestChain {
  const blockListeners = listeners<[Block]>();
  const mempool = new Map<Txid, Transaction>();
  const heights = new Map<Txid, number>();
  const unspent = new Set<string>();
  const known = new Map<Txid, Transaction>();
  const mined: Block[] = [];
  let tip = { height: 0, hash: fromHex(REGTEST_GENESIS_HASH) };

  function enter(transaction: Transaction): void {
    for (const input of transaction.inputs) unspent.delete(pointOf(input));
    transaction.outputs.forEach((_, vout) => unspent.add(pointOf({ txid: transaction.txid, vout })));
    mempool.set(transaction.txid, transaction);
    known.set(transaction.txid, transaction);
  }

  function mineOne(): void {
    const height = tip.height + 1;
    const transactions = [...mempool.values()];
    mempool.clear();
    for (const each of transactions) heights.set(each.txid, height);
    const ids = [hash256(u32(height)), ...transactions.map((each) => fromHex(each.txid).reverse())];
    const time = u32(Math.floor(Date.now() / 1000));
    const header = concat(BLOCK_VERSION, tip.hash, merkleRoot(ids), time, REGTEST_BITS, u32(height));
    tip = { height, hash: hash256(header) };
    // Index 0 is the coinbase.
    const numbered = transactions.map(({ raw }, index) => ({ index: index + 1, raw }));
    const block = { height, header, transactions: numbered };
    mined.push(block);
    store?.commit(
      new Map([
        [`${PREFIX}${height}`, encodeUtf8(JSON.stringify([header, ...transactions.map(({ raw }) => raw)].map(toHex)))],
      ]),
    );
    blockListeners.tell(block);
  }

  function restore(bytes: Uint8Array): void {
    const [header = '', ...raw] = JSON.parse(decodeUtf8(bytes)) as string[];
    const height = tip.height + 1;
    for (const each of raw) {
      enter(parseTransaction(fromHex(each)));
      for (const [id] of mempool) heights.set(id, height);
      mempool.clear();
    }
    tip = { height, hash: hash256(fromHex(header)) };
    const transactions = raw.map((each, index) => ({ index: index + 1, raw: fromHex(each) }));
    mined.push({ height, header: fromHex(header), transactions });
  }

  const saved = new Map(store?.load().filter(([key]) => key.startsWith(PREFIX)));
  for (let height = 1; saved.has(`${PREFIX}${height}`); height++)
    restore(saved.get(`${PREFIX}${height}`) as Uint8Array);
  while (tip.height < FIRST_BLOCKS) mineOne();
  return {
    tip: () => tip,
    since: async (height) => mined.filter((block) => block.height > height),
    onBlock: blockListeners.add,
    async broadcast(raw) {
      const transaction = parseTransaction(raw);
      const { txid: id, inputs, lockTime } = transaction;
      if (mempool.has(id) || heights.has(id)) return id;
      const missing = inputs.find((input) => !unspent.has(pointOf(input)));
      if (missing) throw new NodeError(`the output ${pointOf(missing)} is spent, or does not exist`);
      const final = inputs.every(({ sequence }) => sequence === 0xffff_ffff);
      if (!final && lockTime < LOCK_TIME_HEIGHT_END && lockTime > tip.height) throw new NodeError('not final yet');
      enter(transaction);
      return id;
    },
    async fund(script, value): Promise<SignedFunding> {
      const coin = { txid: txid(toHex(systemRandom(32))), vout: 0 };
      unspent.add(pointOf(coin));
      const raw = buildTransaction([coin], [{ script, valueSat: value }]);
      return { raw, txid: parseTransaction(raw).txid, vout: 0 };
    },
    async release({ raw, txid: id }) {
      if (mempool.has(id) || heights.has(id)) return;
      for (const input of parseTransaction(raw).inputs) unspent.delete(pointOf(input));
    },
    async mine(blocks) {
      for (let i = 0; i < blocks; i++) mineOne();
    },
    heightOf: async (id) => heights.get(id),
    async output(point) {
      const found = known.get(point.txid)?.outputs[point.vout];
      if (!found || !unspent.has(pointOf(point))) return undefined;
      const height = heights.get(point.txid);
      const confirmations = height === undefined ? 0 : tip.height - height + 1;
      return { script: toHex(found.script), value: wholeSat(found.valueSat), confirmations };
    },
    inMempool: async (id) => mempool.has(id),
    close: async () => undefined,
  };
}

function merkleRoot(ids: readonly Uint8Array[]): Uint8Array {
  let level = ids;
  while (level.length > 1) {
    level = level.flatMap((left, index) => (index % 2 === 0 ? [hash256(concat(left, level[index + 1] ?? left))] : []));
  }
  return level[0] ?? new Uint8Array(32);
}
