import type { Msat, Trust } from 'lsps2';
import { TRUSTS } from './demoOptions.ts';
import { UsageError } from './exitCode.ts';
import type { Values } from './options.ts';
import { addressOption, amountOption, oneOf, urlOption, wholeOption } from './parsers.ts';

export interface LspOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** For browsers: WebSocket. */
  readonly listenWs: { readonly host: string; readonly port: number } | undefined;
  /** A folder; without it nothing outlives the process. */
  readonly data: string | undefined;
  readonly bitcoind: string | undefined;
  readonly feePpm: number;
  readonly minFee: Msat;
  readonly trust: Trust;
  readonly token: string | undefined;
  readonly json: boolean;
}

/** 100 %: more than that nobody could pay. */
const FEE_PPM_MAX = 1_000_000;

export function lspOptions(values: Values): LspOptions {
  if (values.token === '') throw new UsageError('--token: an empty token would let nobody in');
  return {
    listen: addressOption('--listen', values.listen ?? '127.0.0.1:9735'),
    listenWs: values['listen-ws'] === undefined ? undefined : addressOption('--listen-ws', values['listen-ws']),
    data: values.data,
    bitcoind: values.bitcoind === undefined ? undefined : urlOption('--bitcoind', values.bitcoind),
    feePpm: wholeOption('--fee-ppm', values['fee-ppm'] ?? '10000', FEE_PPM_MAX, 0),
    minFee: amountOption('--min-fee', values['min-fee'] ?? '1000sat'),
    trust: oneOf('--trust', values.trust ?? 'lsp-trusts-client', TRUSTS),
    token: values.token,
    json: values.json ?? false,
  };
}
