import type { Sat } from '../../core/amount.ts';
import type { Txid } from '../../core/ids.ts';
import type { Stop } from '../../ports/abort.ts';

export interface Block {
  readonly height: number;
  /** 80 bytes. */
  readonly header: Uint8Array;
  readonly transactions: readonly { readonly index: number; readonly raw: Uint8Array }[];
}

/** A funding transaction that is signed but not broadcast. */
export interface SignedFunding {
  readonly raw: Uint8Array;
  readonly txid: Txid;
  /** Index of the output that pays the channel's script. */
  readonly vout: number;
}

/** The chain and the on-chain wallet that an embedded LDK node works with. */
export interface LdkChain {
  /** Hash in internal byte order. */
  tip(): { readonly height: number; readonly hash: Uint8Array };
  /** Blocks above a height, in order: what a node missed while it was down. */
  since(height: number): Promise<readonly Block[]>;
  /** Every block from now on, in order. */
  onBlock(f: (block: Block) => void): Stop;
  /** Resolves when the transaction is in the mempool or in a block. Repeating it does no harm. */
  broadcast(raw: Uint8Array): Promise<Txid>;
  /** Picks and locks coins, builds and signs; segwit inputs only. */
  fund(script: Uint8Array, value: Sat): Promise<SignedFunding>;
  /** Height of the block that holds a transaction; undefined while none does. */
  heightOf(txid: Txid): Promise<number | undefined>;
  /** Frees the coins of a funding transaction that will not be broadcast. */
  release(funding: SignedFunding): Promise<void>;
}
