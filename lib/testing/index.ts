import { withLightningdevkit } from '../nodes/ldk/peer.ts';
import type { NetworkOptions, TestNetwork } from './network.ts';

export { bitcoindChain } from './chain/bitcoind.ts';
export { memoryChain } from './chain/memory.ts';
export { type Misbehaviour, MISBEHAVIOURS } from './misbehave/index.ts';
export type { NetworkOptions, TestNetwork } from './network.ts';
export type { TestChain } from './chain/chain.ts';
export type { Payer, PayOptions, PayOutcome } from './payer.ts';

/**
 * Starts a payer, an LSP and a wallet on embedded LDK nodes. Needs the package `lightningdevkit`, and Node.
 * @throws NodeError when that package is missing, or the bitcoind does not answer.
 */
export async function network(options: NetworkOptions = {}): Promise<TestNetwork> {
  const { startNetwork } = await withLightningdevkit(() => import('./network.ts'));
  return startNetwork(options);
}
