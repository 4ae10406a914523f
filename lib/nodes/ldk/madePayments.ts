import type { Msat } from '../../core/amount.ts';
import type { PaymentHash } from '../../core/ids.ts';
import { readRecord, saveRecord } from '../../core/record.ts';
import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import type { LdkNode } from './node.ts';

/** A payment that a client has an invoice out for. */
interface Made {
  /** Absent: the payer decides. */
  readonly amount?: Msat;
  /** Unix seconds. */
  readonly endsAt: number;
}

const isMade = (record: unknown): record is Made =>
  typeof record === 'object' && record !== null && typeof (record as { endsAt?: unknown }).endsAt === 'number';
const MADE = 'made/';
/** HTLCs of an invoice may live on for this long after its end. */
const KEEP_SECONDS = 14 * 86_400;

/** The payments of `newPayment`: only a client may decide about them, also after a restart. */
export interface MadePayments {
  add(hash: PaymentHash, o: { readonly amount: Msat | undefined; readonly expirySeconds: number }): void;
  get(hash: PaymentHash): Made | undefined;
  remove(hash: PaymentHash): void;
}

export function madePayments({ records }: Pick<LdkNode, 'records'>): MadePayments {
  const now = () => Math.floor(Date.now() / 1000);
  const all = new Map<PaymentHash, Made>();
  for (const [hash, bytes] of records.loaded(MADE)) {
    const made = readRecord(decodeUtf8(bytes), isMade);
    if (now() < made.endsAt + KEEP_SECONDS) all.set(hash as PaymentHash, made);
    else records.put(MADE + hash, undefined);
  }
  function remove(hash: PaymentHash): void {
    if (all.delete(hash)) records.put(MADE + hash, undefined);
  }
  return {
    add(hash, { amount, expirySeconds }) {
      for (const [old, { endsAt }] of all) if (now() >= endsAt + KEEP_SECONDS) remove(old);
      const made = { endsAt: now() + expirySeconds, ...(amount === undefined ? {} : { amount }) };
      all.set(hash, made);
      records.put(MADE + hash, encodeUtf8(saveRecord(made)));
    },
    get: (hash) => all.get(hash),
    remove,
  };
}
