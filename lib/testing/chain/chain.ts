import type { Txid } from '../../core/ids.ts';
import type { LdkChain } from '../../nodes/ldk/chain.ts';

/** A chain that a test can turn. */
export interface TestChain extends LdkChain {
  /** Resolves when every node was told of the blocks. */
  mine(blocks: number): Promise<void>;
  inMempool(txid: Txid): Promise<boolean>;
  close(): Promise<void>;
}
