import { type Msat, parseUri, type Trust } from 'lsps2';
import { TRUSTS } from './demoOptions.ts';
import { UsageError } from './exitCode.ts';
import type { Values } from './options.ts';
import { addressOption, amountOption, oneOf, uriWord, urlOption, wholeOption } from './parsers.ts';

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

/** Whose node is paid: an LDK node of this process on a regtest, or an lnd that runs somewhere. */
type NodeOptions =
  | { readonly name: 'ldk'; readonly bitcoind: string }
  | { readonly name: 'lnd'; readonly address: string; readonly certificateFile: string; readonly macaroonFile: string };

const NODES = ['ldk', 'lnd'] as const;
const LND_ADDRESS = '127.0.0.1:10009';
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

function nodeOptions(values: Values): NodeOptions {
  const name = oneOf('--node', values.node ?? 'ldk', NODES);
  const { bitcoind, rpc, 'tls-cert': certificateFile, macaroon: macaroonFile } = values;
  const strange = name === 'lnd' ? { bitcoind } : { rpc, 'tls-cert': certificateFile, macaroon: macaroonFile };
  for (const [option, value] of Object.entries(strange))
    if (value !== undefined) throw new UsageError(`--${option} is no option of --node ${name}`);
  if (name === 'ldk') {
    if (bitcoind === undefined)
      throw new UsageError('--bitcoind: the wallet needs a regtest bitcoind, http://user:password@127.0.0.1:18443');
    return { name, bitcoind: urlOption('--bitcoind', bitcoind) };
  }
  if (certificateFile === undefined || macaroonFile === undefined)
    throw new UsageError('--node lnd: needs --tls-cert FILE and --macaroon FILE (docs/lnd.md bakes the least one)');
  // The key of the invoices and the preimages: without them money that comes is given back.
  if (values.data === undefined)
    throw new UsageError('--node lnd: needs --data DIR, where keys and preimages are kept');
  const { host, port } = addressOption('--rpc', rpc ?? LND_ADDRESS);
  return { name, address: `${host.includes(':') ? `[${host}]` : host}:${port}`, certificateFile, macaroonFile };
}

function tcpWord(word: string): string {
  const uri = uriWord(word);
  if (parseUri(uri).url !== undefined) throw new UsageError(`${uri}: the wallet’s node reaches LSPs by TCP only`);
  return uri;
}
