import { UsageError } from './exitCode.ts';
import type { Values } from './options.ts';
import { addressOption, fileOption, oneOf, urlOption } from './parsers.ts';

/** An lnd that runs somewhere. */
export interface LndOptions {
  readonly name: 'lnd';
  readonly address: string;
  readonly certificateFile: string;
  readonly macaroonFile: string;
}

/** A lightningd that runs somewhere. */
export interface ClnOptions {
  readonly name: 'cln';
  readonly address: string;
  /** Where its certificates lie. */
  readonly folder: string;
  /** Who lets channels in and takes payments: our plugin, or lightningd's own. */
  readonly gates: 'plugin' | 'stock';
  readonly unverifiedFees: 'accept' | 'refuse';
}

/** Whose node is paid: an LDK node of this process on a regtest, or one of the user's. */
export type NodeOptions = { readonly name: 'ldk'; readonly bitcoind: string } | LndOptions | ClnOptions;

const NODES = ['ldk', 'lnd', 'cln'] as const;
const LND_ADDRESS = '127.0.0.1:10009';
const CLN_ADDRESS = '127.0.0.1:9736';
const GATES = ['plugin', 'stock'] as const;

type Name = (typeof NODES)[number];
/** Which node each option is of. */
const OF: Readonly<Partial<Record<keyof Values, readonly Name[]>>> = {
  bitcoind: ['ldk'],
  rpc: ['lnd', 'cln'],
  'tls-cert': ['lnd'],
  macaroon: ['lnd'],
  certs: ['cln'],
  gates: ['cln'],
  'unverified-fees': ['cln'],
};

/** @throws UsageError */
export function nodeOptions(values: Values): NodeOptions {
  const name = oneOf('--node', values.node ?? 'ldk', NODES);
  checkOptions(name, values);
  if (name === 'ldk') {
    if (values.bitcoind === undefined)
      throw new UsageError('--bitcoind: the wallet needs a regtest bitcoind, http://user:password@127.0.0.1:18443');
    return { name, bitcoind: urlOption('--bitcoind', values.bitcoind) };
  }
  const node = ownNode(name, values);
  if (values.data !== undefined) return node;
  // The key of the invoices and the preimages: without them money that comes is given back.
  if (node.name === 'lnd') throw new UsageError('--node lnd: needs --data DIR, where keys and preimages are kept');
  // With the plugin everything is in lightningd's datastore.
  if (node.gates === 'stock') throw new UsageError('--gates stock: needs --data DIR, where it is kept what was bought');
  return node;
}

/** A node of the user's. @throws UsageError */
export function ownNode(name: 'lnd' | 'cln', values: Values): LndOptions | ClnOptions {
  checkOptions(name, values);
  return name === 'lnd' ? lndOptions(values) : clnOptions(values);
}

function checkOptions(name: Name, values: Values): void {
  for (const [option, nodes] of Object.entries(OF))
    if (values[option as keyof Values] !== undefined && !nodes.includes(name))
      throw new UsageError(`--${option} is no option of --node ${name}`);
}

function lndOptions({ rpc, 'tls-cert': certificateFile, macaroon: macaroonFile }: Values): LndOptions {
  if (certificateFile === undefined || macaroonFile === undefined)
    throw new UsageError('--node lnd: needs --tls-cert FILE and --macaroon FILE (docs/lnd.md bakes the least one)');
  return {
    name: 'lnd',
    address: address(rpc ?? LND_ADDRESS),
    certificateFile: fileOption('--tls-cert', certificateFile),
    macaroonFile: fileOption('--macaroon', macaroonFile),
  };
}

function clnOptions({ rpc, certs: folder, gates = 'plugin', 'unverified-fees': unverified }: Values): ClnOptions {
  if (folder === undefined)
    throw new UsageError(
      '--node cln: needs --certs DIR with ca.pem, client.pem and client-key.pem, as ~/.lightning/bitcoin',
    );
  if (unverified && gates !== 'stock')
    throw new UsageError('--unverified-fees is of --gates stock: the plugin verifies every fee');
  return {
    name: 'cln',
    address: address(rpc ?? CLN_ADDRESS),
    folder,
    gates: oneOf('--gates', gates, GATES),
    unverifiedFees: unverified ? 'accept' : 'refuse',
  };
}

function address(given: string): string {
  const { host, port } = addressOption('--rpc', given);
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
