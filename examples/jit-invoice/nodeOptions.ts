import { UsageError } from './exitCode.ts';
import type { Values } from './options.ts';
import { addressOption, oneOf, urlOption } from './parsers.ts';

/** An lnd that runs somewhere. */
export interface LndOptions {
  readonly name: 'lnd';
  readonly address: string;
  readonly certificateFile: string;
  readonly macaroonFile: string;
}

/** Whose node is paid: an LDK node of this process on a regtest, or an lnd. */
export type NodeOptions = { readonly name: 'ldk'; readonly bitcoind: string } | LndOptions;

const NODES = ['ldk', 'lnd'] as const;
const LND_ADDRESS = '127.0.0.1:10009';

export function nodeOptions(values: Values): NodeOptions {
  const name = oneOf('--node', values.node ?? 'ldk', NODES);
  const { bitcoind, rpc, 'tls-cert': certificate, macaroon } = values;
  const strange = name === 'lnd' ? { bitcoind } : { rpc, 'tls-cert': certificate, macaroon };
  for (const [option, value] of Object.entries(strange))
    if (value !== undefined) throw new UsageError(`--${option} is no option of --node ${name}`);
  if (name === 'ldk') {
    if (bitcoind === undefined)
      throw new UsageError('--bitcoind: the wallet needs a regtest bitcoind, http://user:password@127.0.0.1:18443');
    return { name, bitcoind: urlOption('--bitcoind', bitcoind) };
  }
  const lnd = lndOptions(values);
  // The key of the invoices and the preimages: without them money that comes is given back.
  if (values.data === undefined)
    throw new UsageError('--node lnd: needs --data DIR, where keys and preimages are kept');
  return lnd;
}

export function lndOptions({ rpc, 'tls-cert': certificateFile, macaroon: macaroonFile }: Values): LndOptions {
  if (certificateFile === undefined || macaroonFile === undefined)
    throw new UsageError('--node lnd: needs --tls-cert FILE and --macaroon FILE (docs/lnd.md bakes the least one)');
  const { host, port } = addressOption('--rpc', rpc ?? LND_ADDRESS);
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { name: 'lnd', address, certificateFile, macaroonFile };
}
