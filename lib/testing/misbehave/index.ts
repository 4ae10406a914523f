import type { LspNode } from '../../ports/lspNode.ts';
import { paying } from './paying.ts';
import { talking } from './talking.ts';

/**
 * LSPs that a wallet should be tested against, by name: each takes an LSP's node and gives one that misbehaves, on real sockets
 * (`network({ misbehave: 'overcharges' })`) or in memory (`lsp({ node: MISBEHAVIOURS.overcharges(net.lsp) })`).
 */
export const MISBEHAVIOURS = { ...talking, ...paying } satisfies Readonly<Record<string, (node: LspNode) => LspNode>>;

export type Misbehaviour = keyof typeof MISBEHAVIOURS;
