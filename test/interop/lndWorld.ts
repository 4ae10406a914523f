import type { Limits } from 'lsps2';
import { type Lnd, type LndWallet, lndNode, lndWallet } from 'lsps2/lnd';
import { memoryStore } from 'lsps2/memory';
import { network, type NetworkOptions, type TestNetwork } from 'lsps2/testing';
import { onTestFinished } from 'vitest';
import type { Log } from '../../lib/ports/log.ts';
import type { Store } from '../../lib/ports/store.ts';
import { type Proxy, startProxy } from './proxy.ts';
import { type Program as WalletProgram, walletProgram } from './walletProgram.ts';
import { findLnd, type LndNode, startLnd } from './lndNode.ts';

/** A network of our LSP and payer, whose wallet is an lnd. */
export interface LndWorld {
  readonly net: TestNetwork;
  readonly lnd: LndNode;
  readonly store: Store;
  /** Between the program and its lnd. */
  readonly proxy: Proxy;
  /** The wallet's program: a client on the lnd. One at a time. */
  start(limits?: Partial<Limits>, log?: Log): Promise<Program>;
}

export type Program = WalletProgram<Lnd, LndWallet>;

export async function lndWorld(
  bitcoind: string,
  o: { readonly network?: NetworkOptions; readonly lnd?: readonly string[] } = {},
): Promise<LndWorld> {
  const net = await network({ bitcoind, payerChannels: 3, payerChannelSat: 2_000_000n, ...o.network });
  onTestFinished(() => net.close());
  return { net, ...(await lndFor(bitcoind, { lsp: net.lsp.uri, lnd: o.lnd ?? [] })) };
}

/** An lnd for purchases at an LSP. After the first blocks: lnd does not start on a chain that has none. */
export async function lndFor(
  bitcoind: string,
  o: { readonly lsp: string; readonly lnd: readonly string[] },
): Promise<Omit<LndWorld, 'net'>> {
  const lnd = await startLnd(findLnd()!, { bitcoind, more: o.lnd });
  onTestFinished(() => lnd.stop());
  const proxy = await startProxy(lnd.credentials.address);
  onTestFinished(() => proxy.close());
  const store = memoryStore();
  return {
    lnd,
    proxy,
    store,
    async start(limits = {}, log) {
      const node = await lndNode({ ...lnd.credentials, address: proxy.address }, log ? { log } : {});
      const wallet = await lndWallet(node, { store });
      const close = () => {
        wallet.close();
        node.close();
      };
      return walletProgram({ node, wallet, store, lsp: o.lsp, limits, log, close });
    },
  };
}
