import { type Client, client, type Limits, type Msat, type Purchase, sat } from 'lsps2';
import { type Lnd, type LndWallet, lndNode, lndWallet } from 'lsps2/lnd';
import { memoryStore } from 'lsps2/memory';
import { network, type NetworkOptions, type TestNetwork } from 'lsps2/testing';
import { onTestFinished } from 'vitest';
import type { Log } from '../../lib/ports/log.ts';
import type { Store } from '../../lib/ports/store.ts';
import { type Proxy, startProxy } from './proxy.ts';
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

export interface Program {
  readonly node: Lnd;
  readonly wallet: LndWallet;
  readonly jit: Client;
  buy(amount: Msat | 'any', fields?: { readonly paymentHash?: string }): Promise<Purchase>;
  /** As if it had been killed: nothing is said to anybody. */
  stop(): Promise<void>;
}

export async function lndWorld(
  bitcoind: string,
  o: { readonly network?: NetworkOptions; readonly lnd?: readonly string[] } = {},
): Promise<LndWorld> {
  const net = await network({ bitcoind, payerChannels: 3, payerChannelSat: 2_000_000n, ...o.network });
  onTestFinished(() => net.close());
  // After the first blocks: lnd does not start on a chain that has none.
  const lnd = await startLnd(findLnd()!, { bitcoind, ...(o.lnd ? { more: o.lnd } : {}) });
  onTestFinished(() => lnd.stop());
  const proxy = await startProxy(lnd.credentials.address);
  onTestFinished(() => proxy.close());
  const store = memoryStore();
  return {
    net,
    lnd,
    proxy,
    store,
    async start(limits = {}, log) {
      const node = await lndNode({ ...lnd.credentials, address: proxy.address }, log ? { log } : {});
      const wallet = await lndWallet(node, { store });
      const jit = await client({
        node: wallet,
        store,
        lsps: [net.lsp.uri],
        limits: { maxFee: sat(100_000n), ...limits },
        ...(log ? { log } : {}),
      });
      let running = true;
      const stop = async () => {
        if (!running) return;
        running = false;
        await jit.close();
        wallet.close();
        node.close();
      };
      onTestFinished(stop);
      return {
        node,
        wallet,
        jit,
        async buy(amount, fields = {}) {
          const { best, all } = amount === 'any' ? await jit.quotes({ amount }) : await jit.quotes({ amount });
          if (!best)
            throw new Error(`no quote: ${all.map((each) => ('error' in each ? String(each.error) : '')).join()}`);
          return jit.buy(best, { description: 'an lnd is paid', ...fields });
        },
        stop,
      };
    },
  };
}
