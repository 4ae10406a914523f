import { type Msat, msat, U64_MAX } from '../../core/amount.ts';
import { DecodeError } from '../../core/errors.ts';

// Reads what lightningd says in JSON. Node answers are checked like anybody's.

export type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws DecodeError */
export function objectOf(value: unknown, path: string): Json {
  if (!isObject(value)) throw new DecodeError(path, 'is not an object');
  return value;
}

/** A list of objects; nothing counts as an empty one. @throws DecodeError */
export function listOf(from: Json, name: string): readonly Json[] {
  const value = from[name] ?? [];
  if (!Array.isArray(value)) throw new DecodeError(name, 'is not a list');
  return value.map((each: unknown, i) => objectOf(each, `${name}[${i}]`));
}

/** @throws DecodeError */
export function textOf(from: Json, name: string): string {
  const value = from[name];
  if (typeof value !== 'string') throw new DecodeError(name, 'is not a text');
  return value;
}

/** Undefined where there is nothing. @throws DecodeError */
export const maybeText = (from: Json, name: string): string | undefined =>
  from[name] === undefined ? undefined : textOf(from, name);

/** A whole number from 0 up. @throws DecodeError */
export function wholeOf(from: Json, name: string): number {
  const value = from[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new DecodeError(name, 'is not a whole number');
  return value;
}

export const maybeWhole = (from: Json, name: string): number | undefined =>
  from[name] === undefined ? undefined : wholeOf(from, name);

/** Millisatoshi: a number, or as older versions write it, `123msat`. @throws DecodeError */
export function amountOf(from: Json, name: string): Msat {
  const value = from[name];
  const digits = typeof value === 'string' ? /^(\d+)(?:msat)?$/.exec(value)?.[1] : undefined;
  return msat(digits === undefined ? BigInt(wholeOf(from, name)) : BigInt(digits));
}

/** One that may be larger than a number of JavaScript says, as the capacity that a stranger made up, or "no limit": then the largest there is. */
export function largeOf(from: Json, name: string): Msat | undefined {
  const value = from[name];
  return typeof value === 'number' && value > Number.MAX_SAFE_INTEGER ? msat(U64_MAX) : maybeAmount(from, name);
}

export const maybeAmount = (from: Json, name: string): Msat | undefined =>
  from[name] === undefined ? undefined : amountOf(from, name);
