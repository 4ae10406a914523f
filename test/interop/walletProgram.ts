import {
  type Client,
  client,
  type InvoiceFields,
  type Limits,
  type Msat,
  type Purchase,
  sat,
  type WalletNode,
} from 'lsps2';
import { onTestFinished } from 'vitest';
import type { Log } from '../../lib/ports/log.ts';
import type { Store } from '../../lib/ports/store.ts';

/** A wallet's program on a node of its own: a client, and the node behind it. */
export interface Program<Node, Wallet extends WalletNode> {
  readonly node: Node;
  readonly wallet: Wallet;
  readonly jit: Client;
  buy(amount: Msat | 'any', fields?: Partial<InvoiceFields>): Promise<Purchase>;
  /** As if it had been killed: nothing is said to anybody. */
  stop(): Promise<void>;
}

export async function walletProgram<Node, Wallet extends WalletNode>(o: {
  readonly node: Node;
  readonly wallet: Wallet;
  readonly store: Store;
  readonly lsp: string;
  readonly limits: Partial<Limits>;
  readonly log: Log | undefined;
  close(): void;
}): Promise<Program<Node, Wallet>> {
  const { node, wallet, store, lsp, limits, log } = o;
  const jit = await client({
    node: wallet,
    store,
    lsps: [lsp],
    limits: { maxFee: sat(100_000n), ...limits },
    ...(log ? { log } : {}),
  });
  let running = true;
  const stop = async () => {
    if (!running) return;
    running = false;
    await jit.close();
    o.close();
  };
  onTestFinished(stop);
  return {
    node,
    wallet,
    jit,
    async buy(amount, fields = {}) {
      const { best, all } = amount === 'any' ? await jit.quotes({ amount }) : await jit.quotes({ amount });
      if (!best) throw new Error(`no quote: ${all.map((each) => ('error' in each ? String(each.error) : '')).join()}`);
      const described = fields.descriptionHash === undefined ? { description: 'a node is paid' } : {};
      return jit.buy(best, { ...described, ...fields });
    },
    stop,
  };
}
