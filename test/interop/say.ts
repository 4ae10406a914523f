import { findBitcoind } from '../bitcoind/bitcoind.ts';
import { findLdkPeer } from './ldkPeer.ts';

/** Progress, and what each case came to: on stderr, so that a report on stdout stays one. */
export const say = (text: string): void => void process.stderr.write(`interop: ${text}\n`);

let told = false;

/** What these tests lack here, told once; undefined when they can run. */
export function whatIsMissing(): string | undefined {
  const missing = [
    ...(findBitcoind() === undefined ? ['a bitcoind'] : []),
    ...(findLdkPeer() === undefined ? ['ldk-peer: test/interop/build-ldk-peer.sh builds it, with cargo'] : []),
  ];
  if (missing.length === 0) return undefined;
  if (!told) say(`skipped, for want of ${missing.join(' and ')}`);
  told = true;
  return missing.join(', ');
}
