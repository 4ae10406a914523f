import type { Msat } from 'lsps2';
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
  lsps: words.map(uriWord),
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
