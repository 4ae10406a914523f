import type { LspNode } from '../../ports/lspNode.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import type { LdkNode, LdkNodeInit } from './node.ts';
import { withLightningdevkit } from './peer.ts';

export type { Block, LdkChain, SignedFunding } from './chain.ts';
export type { Role } from './config.ts';
export type { LdkNode, LdkNodeInit } from './node.ts';

// The bindings are loaded only when a node is asked for, so that importing this never fails for want of them.

/** Starts an embedded LDK node (regtest, in memory). @throws NodeError when `lightningdevkit` is not installed. */
export async function ldkNode(init: LdkNodeInit): Promise<LdkNode> {
  const { startNode } = await withLightningdevkit(() => import('./node.ts'));
  return startNode(init);
}

/** An LDK node as the wallet of a client. */
export async function ldkWallet(node: LdkNode): Promise<WalletNode> {
  const wallet = await withLightningdevkit(() => import('./wallet.ts'));
  return wallet.ldkWallet(node);
}

/** An LDK node as the node of an LSP. */
export async function ldkLsp(node: LdkNode): Promise<LspNode> {
  const adapter = await withLightningdevkit(() => import('./lsp.ts'));
  return adapter.ldkLsp(node);
}
