import type { Store, WalletNode } from 'lsps2';
import { clnFiles, clnNode, clnStockWallet, clnStore, clnWallet } from 'lsps2/cln';
import { ldkNode, ldkWallet } from 'lsps2/ldk';
import { lndFiles, lndNode, lndWallet } from 'lsps2/lnd';
import { memoryStore } from 'lsps2/memory';
import type { SqliteStore } from 'lsps2/sqlite';
import { bitcoindChain } from 'lsps2/testing';
import { storeIn } from './dataFolder.ts';
import type { ClnOptions, LndOptions } from './nodeOptions.ts';
import type { ReceiveOptions } from './receiveOptions.ts';
import type { Fields } from './reporter.ts';

const STORE_FILE = 'wallet.db';

/** The node that is paid, and where the wallet keeps what it must not forget. */
export interface ReceivingNode {
  readonly node: WalletNode;
  readonly store: Store;
  /** What "wallet_started" tells. */
  readonly told: Fields;
}

type Open = (() => Promise<void>)[];

/** `open`: what was opened is put here, to be closed in the other order. */
export async function receivingNode({ node: kind, data }: ReceiveOptions, open: Open): Promise<ReceivingNode> {
  const file = await storeIn(data, STORE_FILE);
  if (file) open.push(() => file.close());
  if (kind.name === 'lnd') return onLnd(kind, file ?? memoryStore(), open);
  if (kind.name === 'cln') return onCln(kind, file ?? memoryStore(), open);
  return onLdk(kind.bitcoind, file, open);
}

async function onLnd(kind: LndOptions, store: Store, open: Open): Promise<ReceivingNode> {
  const lnd = await lndNode(await lndFiles(kind));
  open.push(async () => lnd.close());
  const wallet = await lndWallet(lnd, { store });
  open.push(async () => wallet.close());
  const told = { wallet: lnd.nodeId, height: await lnd.height(), node: 'lnd', version: lnd.version };
  return { node: wallet, store, told };
}

async function onCln(kind: ClnOptions, file: Store, open: Open): Promise<ReceivingNode> {
  const cln = await clnNode(await clnFiles(kind));
  open.push(async () => cln.close());
  const { gates, unverifiedFees } = kind;
  const told = { wallet: cln.nodeId, height: await cln.height(), node: 'cln', version: cln.version, gates };
  if (gates === 'stock') {
    const wallet = await clnStockWallet(cln, { store: file, unverifiedFees });
    open.push(async () => wallet.close());
    return { node: wallet, store: file, told };
  }
  const store = clnStore(cln);
  open.push(async () => store.close());
  return { node: await clnWallet(cln, { store }), store, told: { ...told, data: 'lightningd’s datastore' } };
}

async function onLdk(bitcoind: string, file: SqliteStore | undefined, open: Open): Promise<ReceivingNode> {
  const chain = await bitcoindChain(bitcoind, { follow: true });
  open.push(() => chain.close());
  const ldk = await ldkNode({ role: 'wallet', chain, ...(file ? { store: file.bytes } : {}) });
  open.push(() => ldk.stop());
  const told = { wallet: ldk.nodeId, height: chain.tip().height };
  return { node: await ldkWallet(ldk), store: file ?? memoryStore(), told };
}
