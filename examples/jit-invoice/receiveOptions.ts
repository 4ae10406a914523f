import { type Msat, parseUri, type Trust } from 'lsps2';
import { TRUSTS } from './demoOptions.ts';
import { UsageError } from './exitCode.ts';
import { type NodeOptions, nodeOptions } from './nodeOptions.ts';
import type { Values } from './options.ts';
import { amountOption, oneOf, uriWord, wholeOption } from './parsers.ts';

export interface ReceiveOptions {
  readonly lsp: string;
  readonly amount: Msat | 'any';
  readonly token: string | undefined;
  readonly maxFee: Msat | undefined;
  /** Undefined: both are fine. */
  readonly trust: Trust | undefined;
  readonly description: string;
  readonly node: NodeOptions;
  /** A folder; without it nothing outlives the process. */
  readonly data: string | undefined;
  readonly timeoutSeconds: number;
  /** Nobody is asked. */
  readonly yes: boolean;
  readonly json: boolean;
}

const TIMEOUT_SECONDS_MAX = 86_400;

export function receiveOptions(values: Values, word: string): ReceiveOptions {
  if (values.yes && values['max-fee'] === undefined)
    throw new UsageError('--yes: without --max-fee any price would be bought');
  return {
    lsp: tcpWord(word),
    amount: values.amount === undefined ? 'any' : amountOption('--amount', values.amount),
    token: values.token,
    maxFee: values['max-fee'] === undefined ? undefined : amountOption('--max-fee', values['max-fee']),
    trust: values.trust === undefined ? undefined : oneOf('--trust', values.trust, TRUSTS),
    description: values.description ?? 'jit-invoice',
    node: nodeOptions(values),
    data: values.data,
    timeoutSeconds: wholeOption('--timeout', values.timeout ?? '3600', TIMEOUT_SECONDS_MAX),
    yes: values.yes ?? false,
    json: values.json ?? false,
  };
}

function tcpWord(word: string): string {
  const uri = uriWord(word);
  if (parseUri(uri).url !== undefined) throw new UsageError(`${uri}: the wallet’s node reaches LSPs by TCP only`);
  return uri;
}
