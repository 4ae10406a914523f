import { findBitcoind } from '../bitcoind/bitcoind.ts';
import { findLightningd } from './clnNode.ts';
import { findLdkPeer } from './ldkPeer.ts';
import { findLnd } from './lndNode.ts';

/** Progress, and what each case came to: on stderr, so that a report on stdout stays one. */
export const say = (text: string): void => void process.stderr.write(`interop: ${text}\n`);

const FOUND = {
  'ldk-peer': { find: findLdkPeer, hint: 'test/interop/build-ldk-peer.sh builds it, with cargo' },
  lnd: { find: findLnd, hint: 'LND, the PATH, or test/interop/build-lnd.sh, with go' },
  lightningd: { find: findLightningd, hint: 'LIGHTNINGD or the PATH, of 25.12 or later, with its LSPS plugins' },
} as const;

const told = new Set<string>();

/** What these tests lack here, told once; undefined when they can run. */
export function whatIsMissing(peer: keyof typeof FOUND = 'ldk-peer'): string | undefined {
  const { find, hint } = FOUND[peer];
  const missing = [
    ...(findBitcoind() === undefined ? ['a bitcoind'] : []),
    ...(find() === undefined ? [`${peer}: ${hint}`] : []),
  ].join(' and ');
  if (missing === '') return undefined;
  if (!told.has(missing)) say(`skipped, for want of ${missing}`);
  told.add(missing);
  return missing;
}
