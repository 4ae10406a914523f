import { formatUri, type NodeId, type PeerUri, parseUri } from '../core/ids.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';

/** An LSP that may be asked. */
export interface LspSource {
  /** `nodeid@host:port`. */
  readonly uri: string;
  /** A token that this LSP knows (bLIP-52 section 1). */
  readonly token?: string;
  /** The trust models that are acceptable with this LSP; instead of `Limits.trust`. */
  readonly trust?: readonly Trust[];
}

/** An LSP as it is used. */
export interface KnownLsp {
  readonly peer: PeerUri;
  readonly token: string | undefined;
  readonly trust: readonly Trust[] | undefined;
}

/** @throws DecodeError on a bad address, RangeError when one node stands there twice. */
export function readSources(sources: readonly (string | LspSource)[]): ReadonlyMap<NodeId, KnownLsp> {
  const known = new Map<NodeId, KnownLsp>();
  for (const source of sources) {
    const { uri, token, trust }: LspSource = typeof source === 'string' ? { uri: source } : source;
    const peer = parseUri(uri);
    if (known.has(peer.nodeId)) throw new RangeError(`lsps: ${formatUri(peer)} stands there twice`);
    known.set(peer.nodeId, { peer, token, trust });
  }
  return known;
}
