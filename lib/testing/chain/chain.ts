import type { Txid } from '../../core/ids.ts';
import type { LdkChain } from '../../nodes/ldk/chain.ts';
import type { ChainView } from '../../ports/chainView.ts';

/** A chain that a test can turn, and a wallet can look at. */
export interface TestChain extends LdkChain, ChainView {
  /** Resolves when every node was told of the blocks. */
  mine(blocks: number): Promise<void>;
  inMempool(txid: Txid): Promise<boolean>;
  close(): Promise<void>;
}
