import { DecodeError } from '../core/errors.ts';
import { readRecord } from '../core/record.ts';
import type { Purchase } from '../session/purchase.ts';

/** The version that this code writes. Older ones are brought up to it, step by step; newer ones are refused. */
const RECORD_VERSION = 1;

type Stored = { readonly version: number };

/** From a version to the next. There is none yet: 1 is the first. */
const MIGRATIONS: Readonly<Record<number, (record: Stored) => Stored>> = {};

const isStored = (record: unknown): record is Stored =>
  typeof record === 'object' && record !== null && typeof (record as { version?: unknown }).version === 'number';

const isPurchase = (record: Stored): record is Purchase =>
  record.version === RECORD_VERSION && ['offer', 'sessions', 'releasing'].every((name) => name in record);

/** @throws {@link DecodeError} when the record is damaged, or was written by a newer version. */
export function readPurchase(json: string): Purchase {
  let record: Stored = readRecord(json, isStored);
  for (let next = MIGRATIONS[record.version]; next; next = MIGRATIONS[record.version]) record = next(record);
  if (record.version > RECORD_VERSION) {
    throw new DecodeError('', `a purchase was saved by a newer version of lsps2 (record version ${record.version})`);
  }
  if (!isPurchase(record)) throw new DecodeError('', 'a stored purchase is damaged');
  return record;
}
