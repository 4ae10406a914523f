import { systemClock } from '../../platform/clock.ts';
import { systemRandom } from '../../platform/random.ts';
import { withGrpc } from '../grpc/package.ts';
import type { LndCredentials } from './credentials.ts';
import type { Lnd, LndOptions } from './lnd.ts';
import type { LndWallet, LndWalletInit } from './wallet.ts';

export { LND_PERMISSIONS } from './permissions.ts';
export { type LndCredentials, lndFiles, readLndconnect } from './credentials.ts';
export type { Lnd } from './lnd.ts';
export type { LndWallet } from './wallet.ts';

// gRPC is loaded only when a node is asked for, so that importing this never fails for want of it.

/**
 * Connects to an lnd. `given`: its files' contents (see `lndFiles`), or an `lndconnect://` URI.
 * @throws NodeError: `reason` tells unreachable, certificate, permission, locked and starting apart
 */
export async function lndNode(given: LndCredentials | string, options?: LndOptions): Promise<Lnd> {
  const { connectLnd } = await withGrpc(() => import('./lnd.ts'));
  return connectLnd(given, options);
}

/** An lnd as the wallet of a client. @throws NodeError when lnd cannot do what is needed */
export async function lndWallet(
  lnd: Lnd,
  init: Omit<LndWalletInit, 'clock' | 'random'> & Partial<LndWalletInit>,
): Promise<LndWallet> {
  const wallet = await withGrpc(() => import('./wallet.ts'));
  return wallet.lndWallet(lnd, { clock: systemClock, random: systemRandom, ...init });
}
