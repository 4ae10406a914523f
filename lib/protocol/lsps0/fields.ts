import { type Msat, msat, U64_MAX } from '../../core/amount.ts';
import { DecodeError } from '../../core/errors.ts';
import { type Json, JsonNumber, type JsonObject, join } from './json.ts';

// Readers for the common schemas of bLIP-50. Each throws a DecodeError that names the path.

const DECIMAL = /^(0|[1-9]\d{0,19})$/;
const U32_MAX = 0xffff_ffff;

export function asObject(value: Json | undefined, path: string): JsonObject {
  if (!(value instanceof Map)) throw new DecodeError(path, 'not an object');
  return value;
}

export function asArray(value: Json | undefined, path: string): readonly Json[] {
  if (!Array.isArray(value)) throw new DecodeError(path, 'not an array');
  return value as readonly Json[];
}

/** A member of an object, with its path: `field(params, 'min_fee_msat', path, asMsat)`. */
export function field<T>(
  members: JsonObject,
  name: string,
  path: string,
  read: (value: Json | undefined, path: string) => T,
): T {
  const value = members.get(name);
  if (value === undefined) throw new DecodeError(join(path, name), 'is missing');
  return read(value, join(path, name));
}

/** As {@link field}, for a member that may be absent or null. */
export function optionalField<T>(
  members: JsonObject,
  name: string,
  path: string,
  read: (value: Json | undefined, path: string) => T,
): T | undefined {
  const value = members.get(name);
  return value === undefined || value === null ? undefined : read(value, join(path, name));
}

export function asString(value: Json | undefined, path: string): string {
  if (typeof value !== 'string') throw new DecodeError(path, 'not a string');
  return value;
}

export function asBoolean(value: Json | undefined, path: string): boolean {
  if (typeof value !== 'boolean') throw new DecodeError(path, 'not a boolean');
  return value;
}

/** Amounts travel as decimal strings (bLIP-50 "Common schemas"), unsigned and without leading zeros. */
export function asMsat(value: Json | undefined, path: string): Msat {
  const text = asString(value, path);
  if (!DECIMAL.test(text) || BigInt(text) > U64_MAX)
    throw new DecodeError(path, 'not an unsigned 64-bit decimal string');
  return msat(BigInt(text));
}

/** A JSON number that is an integer in its canonical form: `1008`, never `1008.0`, `1e3` or `-0`. */
export function asInteger(value: Json | undefined, path: string): bigint {
  if (!(value instanceof JsonNumber)) throw new DecodeError(path, 'not a number');
  if (!/^(0|-?[1-9]\d{0,19})$/.test(value.text)) throw new DecodeError(path, 'not a canonical integer');
  return BigInt(value.text);
}

export function asU32(value: Json | undefined, path: string): number {
  const integer = asInteger(value, path);
  if (integer < 0n || integer > U32_MAX) throw new DecodeError(path, 'not an unsigned 32-bit integer');
  return Number(integer);
}

export function asU16(value: Json | undefined, path: string): number {
  const integer = asU32(value, path);
  if (integer > 0xffff) throw new DecodeError(path, 'not an unsigned 16-bit integer');
  return integer;
}

// bLIP-50: YYYY-MM-DDThh:mm:ss.uuuZ. LDK sends 0 to 9 digits of fraction and signs them, so we read them all.
const DATETIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?Z$/;
const SECONDS_PER_DAY = 86_400;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** A point in time, as Unix seconds rounded down: a deadline is never read as later than it is. */
export function asDatetime(value: Json | undefined, path: string): number {
  const match = DATETIME.exec(asString(value, path));
  if (!match) throw new DecodeError(path, 'not a UTC datetime of the form YYYY-MM-DDThh:mm:ss.uuuZ');
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = (MONTH_DAYS[month - 1] ?? 0) + (month === 2 && leap ? 1 : 0);
  // `second` may be 60 in a leap second.
  if (day < 1 || day > days || hour > 23 || minute > 59 || second > 60) throw new DecodeError(path, 'not a real date');
  return daysSinceEpoch(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + Math.min(second, 59);
}

/** Days from 1970-01-01 in the Gregorian calendar, years counted from March so that the leap day comes last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}

/** Unix seconds as bLIP-50's datetime, with `.000` as its fraction. */
export function formatDatetime(unixSeconds: number): string {
  const days = Math.floor(unixSeconds / SECONDS_PER_DAY);
  const rest = unixSeconds - days * SECONDS_PER_DAY;
  let year = 1970 + Math.floor(days / 366);
  while (daysSinceEpoch(year + 1, 1, 1) <= days) year++;
  let month = 12;
  while (daysSinceEpoch(year, month, 1) > days) month--;
  const two = (n: number) => n.toString().padStart(2, '0');
  const date = `${year.toString().padStart(4, '0')}-${two(month)}-${two(days - daysSinceEpoch(year, month, 1) + 1)}`;
  return `${date}T${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}.000Z`;
}
