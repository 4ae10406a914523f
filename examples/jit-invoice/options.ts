import { parseArgs } from 'node:util';
import { type DoctorOptions, doctorOptions } from './doctorOptions.ts';
import { type DemoOptions, demoOptions } from './demoOptions.ts';
import { UsageError } from './exitCode.ts';
import { type LspOptions, lspOptions } from './lspOptions.ts';
import { joinNegatives, shown } from './parsers.ts';
import { type QuoteOptions, quoteOptions } from './quoteOptions.ts';
import { type ReceiveOptions, receiveOptions } from './receiveOptions.ts';

export interface DecodeOptions {
  readonly invoice: string;
  readonly json: boolean;
}

export type Command =
  | { readonly name: 'help' | 'version' }
  | { readonly name: 'demo'; readonly options: DemoOptions }
  | { readonly name: 'lsp'; readonly options: LspOptions }
  | { readonly name: 'quote'; readonly options: QuoteOptions }
  | { readonly name: 'decode'; readonly options: DecodeOptions }
  | { readonly name: 'receive'; readonly options: ReceiveOptions }
  | { readonly name: 'doctor'; readonly options: DoctorOptions };

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const OPTIONS = {
  amount: text,
  bitcoind: text,
  certs: text,
  cheat: text,
  data: text,
  description: text,
  'fee-ppm': text,
  gates: text,
  help: { ...flag, short: 'h' },
  json: flag,
  key: text,
  listen: text,
  'listen-ws': text,
  macaroon: text,
  'max-fee': text,
  'min-fee': text,
  node: text,
  parts: text,
  proxy: text,
  rpc: text,
  timeout: text,
  'tls-cert': text,
  token: text,
  trust: text,
  'unverified-fees': flag,
  version: flag,
  yes: flag,
} as const;
type Option = keyof typeof OPTIONS;

const NODE_OPTIONS = ['node', 'bitcoind', 'rpc', 'tls-cert', 'macaroon', 'certs', 'gates', 'unverified-fees'] as const;

/** Of each command: its options besides --json, --help and --version, and what the words after it are. */
const COMMANDS = {
  quote: { options: ['amount', 'token', 'key', 'timeout', 'proxy'], words: 'at least one URI', least: 1, most: 50 },
  decode: { options: [], words: 'one invoice', least: 1, most: 1 },
  receive: {
    options: ['amount', 'token', 'max-fee', 'trust', 'description', 'data', 'timeout', 'yes', ...NODE_OPTIONS],
    words: 'one URI',
    least: 1,
    most: 1,
  },
  doctor: { options: ['node', 'rpc', 'tls-cert', 'macaroon', 'certs', 'gates'], words: 'nothing', least: 0, most: 0 },
  demo: {
    options: ['amount', 'parts', 'trust', 'max-fee', 'timeout', 'bitcoind', 'cheat'],
    words: 'nothing',
    least: 0,
    most: 0,
  },
  lsp: {
    options: ['listen', 'listen-ws', 'data', 'bitcoind', 'fee-ppm', 'min-fee', 'trust', 'token'],
    words: 'nothing',
    least: 0,
    most: 0,
  },
} as const satisfies Record<string, { options: readonly Option[]; words: string; least: number; most: number }>;
type Name = keyof typeof COMMANDS;
const NAMES = Object.keys(COMMANDS) as readonly Name[];

/** @throws UsageError with one line that says what is wrong. */
export function parseCommand(argv: readonly string[]): Command {
  const { values, positionals } = parse(argv);
  if (values.help) return { name: 'help' };
  if (values.version) return { name: 'version' };
  const [command, ...words] = positionals;
  if (command === undefined) throw new UsageError('which command? Try: jit-invoice demo, or jit-invoice --help');
  const name = NAMES.find((each) => each === command);
  if (!name) throw new UsageError(`unknown command ${shown(command)}: there are ${NAMES.join(', ')}`);
  const { options, words: wanted, least, most } = COMMANDS[name];
  if (words.length > most)
    throw new UsageError(`${shown(words[most] ?? '')} is one word too many: ${name} takes ${wanted}`);
  if (words.length < least) throw new UsageError(`${name} takes ${wanted}`);
  const known: ReadonlySet<string> = new Set([...options, 'json', 'help', 'version']);
  const strange = Object.keys(values).find((option) => !known.has(option));
  if (strange !== undefined) throw new UsageError(`--${strange} is no option of ${name}`);
  const [first = ''] = words;
  switch (name) {
    case 'demo':
      return { name, options: demoOptions(values) };
    case 'lsp':
      return { name, options: lspOptions(values) };
    case 'quote':
      return { name, options: quoteOptions(values, words) };
    case 'decode':
      return { name, options: { invoice: first, json: values.json ?? false } };
    case 'receive':
      return { name, options: receiveOptions(values, first) };
    case 'doctor':
      return { name, options: doctorOptions(values) };
  }
}

export type Values = ReturnType<typeof parse>['values'];

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: joinNegatives(argv), allowPositionals: true, options: OPTIONS });
  } catch (error) {
    // Node's own words name the option; its advice about "--" helps nobody here.
    const [first = 'wrong options'] = String((error as Error).message).split(/\. |\n/);
    throw new UsageError(first);
  }
}
