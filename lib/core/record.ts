import { DecodeError } from './errors.ts';

// Records are saved as JSON; a bigint in them stands as `"#123"`. No other text of ours begins with `#`.

const BIGINT = /^#(-?\d+)$/;

export const saveRecord = (record: unknown): string =>
  JSON.stringify(record, (_, value: unknown) => (typeof value === 'bigint' ? `#${value}` : value));

/** Reads what {@link saveRecord} wrote; `check` says whether it is a record of the kind. @throws {@link DecodeError} */
export function readRecord<T>(json: string, check: (record: unknown) => record is T): T {
  let record: unknown;
  try {
    record = JSON.parse(json, (_, value: unknown) => {
      const match = typeof value === 'string' ? BIGINT.exec(value) : null;
      return match ? BigInt(match[1] ?? '') : value;
    });
  } catch (cause) {
    throw new DecodeError('', 'a stored record is not JSON', { cause });
  }
  if (!check(record)) throw new DecodeError('', 'a stored record is of an unknown kind or version');
  return record;
}
