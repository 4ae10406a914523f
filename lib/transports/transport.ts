import { TransportError } from '../core/errors.ts';
import type { PeerUri } from '../core/ids.ts';
import type { Abortable } from '../ports/abort.ts';

/** A stream of bytes to a peer. */
export interface Pipe {
  write(bytes: Uint8Array): void;
  /** Bytes that were written and have not left yet. */
  buffered(): number;
  /** Ends it; what was written still leaves if it can. `closed` is not told. */
  close(): void;
}

export interface PipeEvents {
  data(bytes: Uint8Array): void;
  /** The other side, or the network, ended it. */
  closed(cause?: unknown): void;
}

/** A way to reach peers: `tcp()` or `webSocket()`. */
export interface Transport {
  /** Whether it is the way to this address. */
  takes(peer: PeerUri): boolean;
  /** How long a dial may take, where that is not the usual 10 s. */
  readonly dialTimeoutMs?: number;
  /** Resolves when bytes can flow; gives up when the signal says so. @throws TransportError */
  dial(peer: PeerUri, events: PipeEvents, options: Abortable): Promise<Pipe>;
}

/** Names of Tor must never reach a resolver. */
export const isOnion = (host: string): boolean => /\.onion\.?$/i.test(host);

export const noWayToOnion = (): TransportError =>
  new TransportError('offline', 'an onion address takes TCP and a SOCKS5 proxy, as Tor’s at 127.0.0.1:9050', {
    retryable: false,
  });
