import type { Store, WalletNode } from 'lsps2';
import { ldkNode, ldkWallet } from 'lsps2/ldk';
import { lndFiles, lndNode, lndWallet } from 'lsps2/lnd';
import { memoryStore } from 'lsps2/memory';
import { bitcoindChain } from 'lsps2/testing';
import { storeIn } from './dataFolder.ts';
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

/** `open`: what was opened is put here, to be closed in the other order. */
export async function receivingNode(
  { node: kind, data }: ReceiveOptions,
  open: (() => Promise<void>)[],
): Promise<ReceivingNode> {
  const file = await storeIn(data, STORE_FILE);
  if (file) open.push(() => file.close());
  const store = file ?? memoryStore();
  if (kind.name === 'lnd') {
    const lnd = await lndNode(await lndFiles(kind));
    open.push(async () => lnd.close());
    const wallet = await lndWallet(lnd, { store });
    open.push(async () => wallet.close());
    const told = { wallet: lnd.nodeId, height: await lnd.height(), node: 'lnd', version: lnd.version };
    return { node: wallet, store, told };
  }
  const chain = await bitcoindChain(kind.bitcoind, { follow: true });
  open.push(() => chain.close());
  const ldk = await ldkNode({ role: 'wallet', chain, ...(file ? { store: file.bytes } : {}) });
  open.push(() => ldk.stop());
  return { node: await ldkWallet(ldk), store, told: { wallet: ldk.nodeId, height: chain.tip().height } };
}
