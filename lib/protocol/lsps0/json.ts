import { DecodeError } from '../../core/errors.ts';

/**
 * JSON as it was written. Numbers keep their text (nothing passes through a double), objects keep the order of their
 * members, and a member that stands twice is refused: what two parsers read differently is not bought.
 */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Deeper nesting than any LSPS message needs is an attack on the stack. */
export const JSON_DEPTH_MAX = 32;

// Matches the strings and numbers of a text that is known to be JSON; `$2` tells a member's name from a value.
const SCALAR = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)/g;

/**
 * Reads one JSON value, nothing before or after it but white space. @throws {@link DecodeError}
 *
 * `JSON.parse` judges the text; then each name, string and number is tagged inside the text (names with a running
 * number, so that doubles survive) and parsed again: a whole strict parser without writing one.
 */
export function parseJson(text: string, path = ''): Json {
  let names = 0;
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new DecodeError(path, 'not JSON', { cause });
  }
  const tagged = text.replace(SCALAR, (whole, string?: string, colon?: string) => {
    if (string === undefined) return `"n${whole}"`;
    const inner = string.slice(1);
    return colon === undefined ? `"s${inner}` : `"${names++}:${inner}${colon}`;
  });
  return untag(JSON.parse(tagged), path, 0);
}

function untag(value: unknown, path: string, depth: number): Json {
  if (depth > JSON_DEPTH_MAX) throw new DecodeError(path, `nested deeper than ${JSON_DEPTH_MAX}`);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return value[0] === 'n' ? new JsonNumber(value.slice(1)) : value.slice(1);
  if (Array.isArray(value)) return value.map((item, index) => untag(item, `${path}[${index}]`, depth + 1));
  const members = new Map<string, Json>();
  for (const [tagged, item] of Object.entries(value as object)) {
    const name = tagged.slice(tagged.indexOf(':') + 1);
    if (members.has(name)) throw new DecodeError(join(path, printableName(name)), 'stands twice');
    members.set(name, untag(item, join(path, printableName(name)), depth + 1));
  }
  return members;
}

const NAME_SHOWN_MAX = 40;
/** A name that a peer chose, fit to stand in a message of ours. */
export const printableName = (name: string): string => name.replace(/[^\w.-]+/g, '?').slice(0, NAME_SHOWN_MAX);

export const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** Writes JSON without white space; what `parseJson` read comes out with the same members, strings and numbers. */
export function formatJson(value: Json): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (value instanceof JsonNumber) return value.text;
  if (value instanceof Map) {
    return `{${[...value].map(([name, item]) => `${JSON.stringify(name)}:${formatJson(item)}`).join(',')}}`;
  }
  return `[${(value as readonly Json[]).map(formatJson).join(',')}]`;
}

/** An object literal as a {@link JsonObject}; members that are `undefined` are left out. */
export function object(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  return new Map(Object.entries(members).filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

export const number = (value: number | bigint): JsonNumber => new JsonNumber(value.toString());
