import { msat } from 'lsps2';
import type { LspNode } from '../../lib/ports/lspNode.ts';

type Forward = Parameters<LspNode['forward']>[0];

/** A node of an LSP that forwards otherwise than it should. */
export const forwards =
  (change: (part: Forward) => Forward) =>
  (node: LspNode): LspNode => ({ ...node, forward: (part) => node.forward(change(part)) });

const less = (by: bigint) => (part: Forward) => ({ ...part, amount: msat(part.amount - by) });

export const OVERCHARGES = [
  ['one msat too much', less(1n)],
  ['twice the fee', less(2_500_000n)],
] as const;
