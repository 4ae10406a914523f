import { type Msat, msat } from '../../core/amount.ts';
import type { PaymentHash } from '../../core/ids.ts';
import { readRecord, saveRecord } from '../../core/record.ts';
import { channelOver } from './channels.ts';
import type { Lightningd } from './lightningd.ts';
import type { ReadableStore } from './made.ts';
import { extraFeeOf, type FinalHtlc } from './parts.ts';

const PREFIX = 'cln/fee/';
const isFee = (record: unknown): record is bigint => typeof record === 'bigint';

/** Extra fees of HTLCs that are here: lightningd tells them once, and after its restart shows the HTLC without. */
export interface Fees {
  /** Of an HTLC, also when it is shown again; durable when it resolves. Undefined when what it says is not of the form. */
  of(htlc: FinalHtlc): Promise<Msat | undefined>;
  /** It was failed: should lightningd not have got so far, it is shown again without its fee, and failed for that. */
  drop(htlc: FinalHtlc): Promise<void>;
  forget(hash: PaymentHash): Promise<void>;
}

export function fees(cln: Lightningd, store: ReadableStore): Fees {
  async function keyOf({ paymentHash, scid, id }: FinalHtlc): Promise<string> {
    // A channel may be called otherwise once it is confirmed.
    const over = channelOver(await cln.channels(), scid);
    return `${PREFIX}${paymentHash}/${over?.channelId ?? scid}/${id}`;
  }

  return {
    async of(htlc) {
      const told = extraFeeOf(htlc);
      if (told === undefined) return undefined;
      const key = await keyOf(htlc);
      const saved = await store.get(key);
      if (told === 0n) return saved === undefined ? told : msat(readRecord(saved, isFee));
      if (saved === undefined) await store.put(key, saveRecord(told));
      return told;
    },
    drop: async (htlc) => store.remove(await keyOf(htlc)),
    async forget(hash) {
      for (const [key] of await store.scan(`${PREFIX}${hash}/`)) await store.remove(key);
    },
  };
}
