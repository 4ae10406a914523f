import { type Msat, parseUri } from 'lsps2';
import { UsageError } from './exitCode.ts';
import type { Values } from './options.ts';
import { addressOption, amountOption, uriWord, wholeOption } from './parsers.ts';

export interface QuoteOptions {
  readonly lsps: readonly string[];
  readonly amount: Msat | 'any';
  readonly token: string | undefined;
  /** A file with the private key that we speak with. */
  readonly key: string | undefined;
  /** A SOCKS5 proxy. */
  readonly proxy: { readonly host: string; readonly port: number } | undefined;
  readonly timeoutSeconds: number;
  readonly json: boolean;
}

const TIMEOUT_SECONDS_MAX = 600;

export const quoteOptions = (values: Values, words: readonly string[]): QuoteOptions => ({
  lsps: lspWords(words, values.proxy !== undefined),
  amount: values.amount === undefined ? 'any' : amountOption('--amount', values.amount),
  token: values.token,
  key: values.key,
  proxy: values.proxy === undefined ? undefined : addressOption('--proxy', values.proxy),
  timeoutSeconds: wholeOption(
    '--timeout',
    values.timeout ?? (values.proxy === undefined ? '15' : '60'),
    TIMEOUT_SECONDS_MAX,
  ),
  json: values.json ?? false,
});

function lspWords(words: readonly string[], proxied: boolean): readonly string[] {
  const lsps = words.map(uriWord);
  const nodes = lsps.map((uri) => parseUri(uri).nodeId);
  const twice = lsps.find((_, i) => nodes.indexOf(nodes[i] as never) !== i);
  if (twice !== undefined) throw new UsageError(`${twice}: the same node stands there twice`);
  if (proxied && lsps.some((uri) => parseUri(uri).url !== undefined))
    throw new UsageError('--proxy: it is for TCP; a WebSocket would go past it');
  return lsps;
}
