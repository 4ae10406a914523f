import { parseArgs } from 'node:util';
import { type DemoOptions, demoOptions } from './demoOptions.ts';
import { UsageError } from './exitCode.ts';
import { type LspOptions, lspOptions } from './lspOptions.ts';
import { joinNegatives } from './parsers.ts';

export type Command =
  | { readonly name: 'help' | 'version' }
  | { readonly name: 'demo'; readonly options: DemoOptions }
  | { readonly name: 'lsp'; readonly options: LspOptions };

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const COMMON = { json: flag, help: { ...flag, short: 'h' }, version: flag } as const;
const SHARED = { trust: text, bitcoind: text } as const;
const DEMO = { amount: text, parts: text, 'max-fee': text, timeout: text, cheat: text } as const;
const LSP = { listen: text, data: text, 'fee-ppm': text, 'min-fee': text, token: text } as const;

/** Options that only one command has. */
const OWN = { demo: DEMO, lsp: LSP } as const;
type Name = keyof typeof OWN;
const NAMES = Object.keys(OWN) as readonly Name[];

/** @throws UsageError with one line that says what is wrong. */
export function parseCommand(argv: readonly string[]): Command {
  const { values, positionals } = parse(argv);
  if (values.help) return { name: 'help' };
  if (values.version) return { name: 'version' };
  const [command, extra] = positionals;
  if (command === undefined) throw new UsageError('which command? Try: jit-invoice demo, or jit-invoice --help');
  const name = NAMES.find((each) => each === command);
  if (!name) throw new UsageError(`unknown command "${command}": there are demo and lsp`);
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`);
  const foreign = NAMES.flatMap((each) => (each === name ? [] : Object.keys(OWN[each])));
  const strange = foreign.find((option) => option in values);
  if (strange !== undefined) throw new UsageError(`--${strange} is no option of ${name}`);
  return name === 'demo' ? { name, options: demoOptions(values) } : { name, options: lspOptions(values) };
}

export type Values = ReturnType<typeof parse>['values'];

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: joinNegatives(argv),
      allowPositionals: true,
      options: { ...COMMON, ...SHARED, ...DEMO, ...LSP },
    });
  } catch (error) {
    // Node's own words name the option; its advice about "--" helps nobody here.
    const [first = 'wrong options'] = String((error as Error).message).split(/\. |\n/);
    throw new UsageError(first);
  }
}
