import type { Sat } from '../core/amount.ts';
import type { Txid } from '../core/ids.ts';
import type { Abortable } from './abort.ts';

/** A transaction output as the chain, or the mempool, has it. */
export interface SeenOutput {
  /** Locking script, hex. */
  readonly script: string;
  readonly value: Sat;
  /** 0: in the mempool. */
  readonly confirmations: number;
}

/** Eyes on the chain that are not the LSP's: a full node, or a server that the user trusts more than the LSP. */
export interface ChainView {
  /** Undefined: there is no such transaction output now, or it was spent. @throws TransportError when it cannot be asked. */
  output(o: { readonly txid: Txid; readonly vout: number }, options?: Abortable): Promise<SeenOutput | undefined>;
}
