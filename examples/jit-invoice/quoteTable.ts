import { type AnyQuote, type FixedQuote, formatSat, type Unusable } from 'lsps2';
import { messageOf } from './exitCode.ts';

/** What one LSP said. */
export interface Row {
  readonly found: FixedQuote | AnyQuote | Unusable;
  readonly best: boolean;
}

const HEAD = ['LSP', 'fee', 'share', 'you get', 'least', 'most', 'valid until', 'your delay', 'lifetime', 'LSPS'];

/** Side by side, in lines of their own; what failed stands below, with its reason. */
export function quoteTable(rows: readonly Row[]): string {
  const usable = rows.filter((row) => !('error' in row.found));
  const compared = usable.length > 1;
  const lines = usable.length > 0 ? columns([HEAD, ...usable.map((row) => cellsOf(row, compared))]) : [];
  const failed = rows.flatMap(({ found }) =>
    'error' in found ? [`${shorten(found.lsp)}: ${messageOf(found.error)}${wordsOf(found.error)}`] : [],
  );
  const note = compared ? ['* the cheapest'] : [];
  return `${[...lines, ...note, ...failed].join('\n')}\n`;
}

function cellsOf({ found, best }: Row, compared: boolean): readonly string[] {
  if ('error' in found) return [];
  const { params } = found;
  const price =
    found.kind === 'fixed'
      ? [formatSat(found.openingFee), percent(found.feePpm), formatSat(found.net)]
      : [`${formatSat(params.minFee)} at least`, percent(params.proportionalPpm), ''];
  return [
    `${shorten(found.lsp)}${best && compared ? ' *' : ''}`,
    ...price,
    formatSat(params.minPaymentSize),
    formatSat(params.maxPaymentSize),
    new Date(params.validUntil * 1000).toISOString().replace(/\.\d+/, ''),
    `<= ${params.maxClientToSelfDelayBlocks}`,
    `${params.minLifetimeBlocks}`,
    (found.protocols ?? []).join(','),
  ];
}

function columns(table: readonly (readonly string[])[]): readonly string[] {
  const widths = HEAD.map((_, i) => Math.max(...table.map((row) => (row[i] ?? '').length)));
  return table.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

const percent = (ppm: number): string => `${(ppm / 10_000).toFixed(2)} %`;

/** The peer's own words, marked as such. They were filtered when they came. */
function wordsOf(error: unknown): string {
  const { detail } = error as { detail?: string };
  return detail ? ` (its words: ${detail})` : '';
}

const ID_CHARACTERS = 10;
const shorten = (uri: string): string => `${uri.slice(0, ID_CHARACTERS)}..${uri.slice(uri.indexOf('@'))}`;
