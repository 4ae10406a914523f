import type { FlatRate } from 'lsps2/lsp';
import type { NodeId, PeerUri } from '../../lib/core/ids.ts';
import type { Purchase } from '../../lib/session/purchase.ts';
import type { TestChain } from '../../lib/testing/chain/chain.ts';
import { type Child, childOf } from './child.ts';

/** The points at which the LSP may die: saves of its records, effects on its node, commits of the node itself. */
export type PointKind = 'save' | 'effect' | 'commit';

export interface Report {
  readonly purchases: readonly (readonly [string, Purchase])[];
  /** HTLCs of its payers that the LSP has not answered. */
  readonly pending: number;
  readonly passed: readonly string[];
  readonly troubles: readonly string[];
}

/** An LSP that lives in a process of its own, and can be killed and started again on the same data. */
export interface LspChild extends Pick<Child, 'arm' | 'died' | 'isUp' | 'kill'> {
  uri(): PeerUri;
  start(): Promise<void>;
  report(): Promise<Report>;
}

export function lspChild(
  chain: TestChain,
  path: string,
  options: FlatRate & { readonly kinds: readonly PointKind[] },
): LspChild {
  const child = childOf('lspProcess.mjs', chain);
  let uri: PeerUri | undefined;
  return {
    ...child,
    uri() {
      if (!uri) throw new Error('the LSP was never up');
      return uri;
    },
    async start() {
      const { nodeId, port } = await child.start([path, String(uri?.port ?? 0)], options);
      uri = { nodeId: nodeId as NodeId, host: '127.0.0.1', port: port as number };
    },
    report: async () => (await child.ask('report')) as unknown as Report,
  };
}
