import { fromHex, toHex } from '../../core/bytes.ts';
import type { NodeId } from '../../core/ids.ts';
import { type Scid, scid } from '../../core/scid.ts';
import type { Random } from '../../ports/clock.ts';
import type { Store } from '../../ports/store.ts';
import { publicKey } from '../../protocol/bolt11/signature.ts';
import { type Loaded, records } from '../parts/records.ts';

/**
 * The hop behind lnd, for which payments are meant. lnd refuses an HTLC for itself that is smaller than its onion says, and
 * nobody is asked before; an HTLC that it should forward it shows to us.
 */
export interface Phantom {
  readonly key: Uint8Array;
  readonly nodeId: NodeId;
  /** Of the channel that does not exist, from lnd to the phantom. */
  readonly scid: Scid;
}

interface Saved {
  readonly key: string;
  readonly scid: bigint;
}
const isSaved = (record: unknown): record is Saved =>
  typeof record === 'object' && record !== null && 'key' in record && 'scid' in record;

const KEY_BYTES = 32;
/** Above the block heights of lnd's own aliases (16,000,000 up to 16,250,000), and far above those of the chain. */
const FIRST_BLOCK = 16_300_000n;
/** Whether it is of a phantom: of this wallet, or of another one on the same lnd. */
export const isPhantom = (id: bigint): boolean => id >> 40n >= FIRST_BLOCK;
const BLOCKS = (1n << 24n) - FIRST_BLOCK;

/** The one that the store has, or a new one; durable when it resolves. */
export async function phantomOf(store: Store, loaded: Loaded, random: Random): Promise<Phantom> {
  const kept = records(store, loaded, { prefix: 'lnd/phantom', check: isSaved });
  const found = kept.get('');
  const saved = found ?? { key: newKey(random), scid: newScid(random) };
  if (!found) await kept.put('', saved);
  const key = fromHex(saved.key);
  return { key, nodeId: publicKey(key), scid: scid(saved.scid) };
}

function newKey(random: Random): string {
  for (;;) {
    const key = random(KEY_BYTES);
    try {
      publicKey(key);
      return toHex(key);
    } catch {
      // Beyond the order of the curve: once in 2^128.
    }
  }
}

function newScid(random: Random): bigint {
  const number = BigInt(`0x${toHex(random(8))}`);
  const rest = number & ((1n << 40n) - 1n);
  return ((FIRST_BLOCK + ((number >> 40n) % BLOCKS)) << 40n) | rest;
}
