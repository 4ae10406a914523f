import { formatUri, type Msat, msat, parseUri, sat } from 'lsps2';
import { UsageError } from './exitCode.ts';

// What a word on the command line may be. Each throws UsageError with one line that says what is wrong.

/** A macaroon in hex or base64. */
const MACAROON = /^(?:0x)?0201036c6e64|^AgEDbG5k|^[0-9a-f]{100,}$/i;
/** What carries one, or keys. */
const SECRET = /macaroon=|certs?=|lndconnect:|clngrpc:/i;

/** A word as an error may repeat it: who has put a secret where none belongs does not want to see it in a log. */
export const shown = (text: string): string =>
  MACAROON.test(text) || SECRET.test(text) ? 'what stands there' : `"${text}"`;

/** The name of a file. */
export function fileOption(name: string, text: string): string {
  if (!MACAROON.test(text) && !SECRET.test(text)) return text;
  throw new UsageError(`${name}: takes the name of a file, not what is in it`);
}

/** `--amount -5sat` means -5sat, not an option of that name: the complaint should be about the amount. */
export function joinNegatives(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of argv) {
    const last = joined.at(-1);
    if (/^-\d/.test(word) && last !== undefined && /^--[a-z-]+$/.test(last)) joined.splice(-1, 1, `${last}=${word}`);
    else joined.push(word);
  }
  return joined;
}

export function amountOption(name: string, text: string): Msat {
  const match = /^(\d{1,20})(sat|msat)$/.exec(text);
  if (!match) throw new UsageError(`${name}: "${text}" is not an amount such as 250000sat or 250000000msat`);
  const value = BigInt(match[1] ?? '');
  if (value === 0n) throw new UsageError(`${name}: nothing is not an amount`);
  try {
    return match[2] === 'sat' ? sat(value) : msat(value);
  } catch {
    throw new UsageError(`${name}: "${text}" is more than there can be`);
  }
}

export function wholeOption(name: string, text: string, max: number, min = 1): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (value < min || value > max)
    throw new UsageError(`${name}: "${text}" is not a whole number from ${min} to ${max}`);
  return value;
}

export function oneOf<Word extends string>(name: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found === undefined) throw new UsageError(`${name}: "${text}" is none of ${words.join(', ')}`);
  return found;
}

export function urlOption(name: string, text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    // The text is not repeated: it may hold a password.
    throw new UsageError(`${name}: this is not a URL of the form http://user:password@127.0.0.1:18443`);
  }
  return text;
}

/** `HOST:PORT`; an IPv6 address stands in brackets. Port 0 asks the system for a free one. */
export function addressOption(name: string, text: string): { readonly host: string; readonly port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match?.[1] || port > PORT_MAX)
    throw new UsageError(`${name}: ${shown(text)} is not an address such as 127.0.0.1:9735`);
  return { host: match[1].replace(/^\[|\]$/g, ''), port };
}

const PORT_MAX = 65_535;

/** `nodeid@host:port`, or `nodeid@wss://host/path`. */
export function uriWord(text: string): string {
  try {
    return formatUri(parseUri(text));
  } catch {
    throw new UsageError(`${shown(text)} is not an LSP of the form nodeid@host:port or nodeid@wss://host/path`);
  }
}
