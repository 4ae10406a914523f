import type { Msat } from '../../core/amount.ts';
import { type PaymentHash, paymentHash } from '../../core/ids.ts';
import { readRecord, saveRecord } from '../../core/record.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Store } from '../../ports/store.ts';

/** A payment that an invoice was made for. Both programs read it: the one that makes invoices, and the plugin. */
export interface Made {
  readonly paymentSecret: string;
  /** Absent: the payer decides. */
  readonly amount?: Msat;
  readonly minFinalCltvExpiryDelta: number;
  /** Unix seconds. */
  readonly endsAt: number;
  /** What lightningd's books are to show, where its preimage comes from the caller, and only with the payment: BOLT 11, not signed. */
  readonly text?: string;
}

const isMade = (record: unknown): record is Made =>
  typeof record === 'object' && record !== null && 'paymentSecret' in record && 'endsAt' in record;

const PREFIX = 'cln/payment/';
/** HTLCs of an invoice may live on for so long after its end. */
export const KEEP_SECONDS = 14 * 86_400;

/** A store of which single records can be read as they are now. */
export interface ReadableStore extends Store {
  get(key: string): Promise<string | undefined>;
  /** All that begin so, as they are now. Unlike `load` it says nothing of what was seen: what others changed stays theirs. */
  scan(prefix: string): Promise<readonly (readonly [key: string, json: string])[]>;
}

export interface MadePayments {
  /** As it is now. @throws NodeError, DecodeError */
  get(hash: PaymentHash): Promise<Made | undefined>;
  all(): Promise<readonly PaymentHash[]>;
  put(hash: PaymentHash, made: Made): Promise<void>;
  /** Forgets what is long over. */
  tidy(clock: Clock): Promise<void>;
}

export const madePayments = (store: ReadableStore): MadePayments => ({
  async get(hash) {
    const json = await store.get(PREFIX + hash);
    return json === undefined ? undefined : readRecord(json, isMade);
  },
  all: async () => (await store.scan(PREFIX)).map(([key]) => paymentHash(key.slice(PREFIX.length))),
  put: (hash, made) => store.put(PREFIX + hash, saveRecord(made)),
  async tidy(clock) {
    const all = await store.scan('cln/');
    const isOld = (json: string) => clock.nowMs() / 1000 > readRecord(json, isMade).endsAt + KEEP_SECONDS;
    const old = all.flatMap(([key, json]) => (key.startsWith(PREFIX) && isOld(json) ? key.slice(PREFIX.length) : []));
    for (const hash of old) for (const [key] of all) if (key.includes(`/${hash}`)) await store.remove(key);
  },
});
