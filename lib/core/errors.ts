/** Base of every error this package throws on purpose. Compare by `code`: `instanceof` breaks over duplicate installs. */
export abstract class Lsps2Error extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Bytes or JSON that are not of the format. Nothing was changed; drop the message or ask the peer to mend it. */
export class DecodeError extends Lsps2Error {
  readonly code = 'decode';
  /** Where it went wrong, as `result.opening_fee_params_menu[0].valid_until`. */
  readonly path: string;

  constructor(path: string, message: string, options?: { readonly cause?: unknown }) {
    super(path === '' ? message : `${path}: ${message}`, options);
    this.path = path;
  }
}

/** The peer answered, and said no (bLIP-50 "Error handling"). Ask it something else, or ask another LSP. */
export class RpcError extends Lsps2Error {
  readonly code = 'rpc';
  /** The number the peer sent. */
  readonly rpcCode: number;
  /** Our word for that number, as `unrecognized_or_stale_token`; `unknown` when no spec names it. */
  readonly reason: string;
  /** The peer's own words: printable characters only, cut short. Never show them as if they were ours. */
  readonly detail: string;

  constructor(init: { readonly rpcCode: number; readonly reason: string; readonly detail: string }) {
    super(`the LSP said no: ${init.reason} (${init.rpcCode})`);
    this.rpcCode = init.rpcCode;
    this.reason = init.reason;
    this.detail = init.detail;
  }
}

export type TransportReason = 'offline' | 'closed' | 'timeout' | 'protocol';

/**
 * The peer did not answer; `protocol`: what it did is against BOLT 1 or BOLT 8. `retryable`: the same call may work later. A `buy` that was not answered may have been carried
 * out: the offer then stays unused at the LSP until it ends, and costs nothing.
 */
export class TransportError extends Lsps2Error {
  readonly code = 'transport';
  readonly reason: TransportReason;
  readonly retryable: boolean;
  /** The peer's last words (`error` or `warning` of BOLT 1): printable characters only, cut short. Never show them as if they were ours. */
  readonly detail: string;

  constructor(
    reason: TransportReason,
    message: string,
    options?: { readonly cause?: unknown; readonly retryable?: boolean; readonly detail?: string },
  ) {
    super(message, options);
    this.reason = reason;
    this.retryable = options?.retryable ?? reason !== 'protocol';
    this.detail = options?.detail ?? '';
  }
}

/**
 * What is wrong with a node that is reached over a network: `unreachable`; `certificate`: it is not the node that was meant, or refuses
 * ours; `permission`: these credentials may not do that; `locked`: its wallet is; `starting`; `unsupported`: it lacks the call, or what
 * is needed is turned off; `timeout`.
 */
export type NodeReason =
  | 'unreachable'
  | 'certificate'
  | 'permission'
  | 'locked'
  | 'starting'
  | 'unsupported'
  | 'timeout'
  | 'other';

/** The user's own node could not do what it was asked. Look at `reason` and `cause`. */
export class NodeError extends Lsps2Error {
  readonly code = 'node';
  readonly reason: NodeReason;
  /** The node's own words: printable characters only, cut short. */
  readonly detail: string;

  constructor(
    message: string,
    options?: { readonly cause?: unknown; readonly reason?: NodeReason; readonly detail?: string },
  ) {
    super(message, options);
    this.reason = options?.reason ?? 'other';
    this.detail = options?.detail ?? '';
  }
}

/** The user said no: one of the limits was hit. Nothing was bought, or what was bought is not used. */
export class PolicyError extends Lsps2Error {
  readonly code = 'policy';
  /** Which limit, as `maxFee`. */
  readonly limit: string;

  constructor(limit: string, message: string) {
    super(message);
    this.limit = limit;
  }
}

/** A store cannot be opened, or not be written. `reason` says which; nothing was changed by the call that threw. */
export class StoreError extends Lsps2Error {
  readonly code = 'store';
  /**
   * `locked`: another process has it. `newer`: written by a newer version. `no_driver`: a package is missing. `conflict`: of a store that
   * several write, another program was faster: look again.
   */
  readonly reason: 'locked' | 'not_a_store' | 'newer' | 'io' | 'no_driver' | 'conflict';

  constructor(reason: StoreError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** It was stopped before it could do this; what it did not do is done after the next start. */
export class StoppedError extends Lsps2Error {
  readonly code = 'stopped';

  constructor() {
    super('stopped before this was done');
  }
}

/** Our own mistake. Report it. */
export class InvariantError extends Lsps2Error {
  readonly code = 'invariant';
}
