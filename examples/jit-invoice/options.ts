import { parseArgs } from 'node:util';
import { type Msat, msat, sat, type Trust } from 'lsps2';
import { UsageError } from './exitCode.ts';

const CHEATS = ['overcharge', 'public-channel', 'unsolicited-channel'] as const;
export type Cheat = (typeof CHEATS)[number];

export interface DemoOptions {
  readonly amount: Msat;
  readonly parts: number;
  readonly trust: Trust;
  readonly maxFee: Msat;
  readonly timeoutSeconds: number;
  readonly bitcoind: string | undefined;
  readonly cheat: Cheat | undefined;
  readonly json: boolean;
}

export type Command = { readonly name: 'help' | 'version' } | { readonly name: 'demo'; readonly options: DemoOptions };

/** The reference LSP takes no more. */
const PARTS_MAX = 30;
const TIMEOUT_SECONDS_MAX = 3600;
const TRUSTS: readonly Trust[] = ['lsp-trusts-client', 'client-trusts-lsp'];

/** @throws UsageError with one line that says what is wrong. */
export function parseCommand(argv: readonly string[]): Command {
  const { values, positionals } = parse(argv);
  if (values.help) return { name: 'help' };
  if (values.version) return { name: 'version' };
  const [command, extra] = positionals;
  if (command === undefined) throw new UsageError('which command? Try: jit-invoice demo, or jit-invoice --help');
  if (command !== 'demo') throw new UsageError(`unknown command "${command}": there is only demo`);
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`);
  const amount = amountOption('--amount', values.amount ?? '250000sat');
  return {
    name: 'demo',
    options: {
      amount,
      parts: wholeOption('--parts', values.parts ?? '1', PARTS_MAX),
      trust: oneOf('--trust', values.trust ?? 'lsp-trusts-client', TRUSTS),
      maxFee: values['max-fee'] === undefined ? amount : amountOption('--max-fee', values['max-fee']),
      timeoutSeconds: wholeOption('--timeout', values.timeout ?? '60', TIMEOUT_SECONDS_MAX),
      bitcoind: values.bitcoind === undefined ? undefined : urlOption('--bitcoind', values.bitcoind),
      cheat: values.cheat === undefined ? undefined : oneOf('--cheat', values.cheat, CHEATS),
      json: values.json ?? false,
    },
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: joinNegatives(argv),
      allowPositionals: true,
      options: {
        amount: { type: 'string' },
        parts: { type: 'string' },
        trust: { type: 'string' },
        'max-fee': { type: 'string' },
        timeout: { type: 'string' },
        bitcoind: { type: 'string' },
        cheat: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    // Node's own words name the option; its advice about "--" helps nobody here.
    const [first = 'wrong options'] = String((error as Error).message).split(/\. |\n/);
    throw new UsageError(first);
  }
}

/** `--amount -5sat` means -5sat, not an option of that name: the complaint should be about the amount. */
function joinNegatives(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of argv) {
    const last = joined.at(-1);
    if (/^-\d/.test(word) && last !== undefined && /^--[a-z-]+$/.test(last)) joined.splice(-1, 1, `${last}=${word}`);
    else joined.push(word);
  }
  return joined;
}

function amountOption(name: string, text: string): Msat {
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

function wholeOption(name: string, text: string, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw new UsageError(`${name}: "${text}" is not a whole number from 1 to ${max}`);
  return value;
}

function oneOf<Word extends string>(name: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found === undefined) throw new UsageError(`${name}: "${text}" is none of ${words.join(', ')}`);
  return found;
}

function urlOption(name: string, text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    // The text is not repeated: it may hold a password.
    throw new UsageError(`${name}: this is not a URL of the form http://user:password@127.0.0.1:18443`);
  }
  return text;
}
