import { systemClock } from '../../platform/clock.ts';
import { systemRandom } from '../../platform/random.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { withGrpc } from '../grpc/package.ts';
import type { ClnCredentials } from './credentials.ts';
import { type HookedWallet, hookedWallet, type HookedWalletInit } from './hooks.ts';
import type { Lightningd } from './lightningd.ts';
import type { ClnOptions } from './overGrpc.ts';
import { hostLightningd, type PluginHost } from './overRpc.ts';
import { type ClnStore, clnStore as storeOf } from './store.ts';
import { type ClnStockWallet, clnStockWallet as stockOf, type ClnStockWalletInit } from './stockWallet.ts';
import { clnWallet as walletOf, type ClnWalletInit } from './wallet.ts';

export { type ClnCredentials, clnFiles, readClngrpc } from './credentials.ts';
export type { HookedWallet } from './hooks.ts';
export type { ClnChannel, ClnInvoice, ClnPeer, DatastoreEntry, Lightningd } from './lightningd.ts';
export type { ClnStockWallet } from './stockWallet.ts';
export type { PluginHost } from './overRpc.ts';
export type { ClnStore } from './store.ts';

// gRPC is loaded only when a node is asked for, so that importing this never fails for want of it; a plugin needs none.

/**
 * Connects to a lightningd by its gRPC. `given`: its files' contents (see `clnFiles`), or a `clngrpc://` URI.
 * @throws NodeError: `reason` tells unreachable and certificate apart
 */
export async function clnNode(given: ClnCredentials | string, options?: ClnOptions): Promise<Lightningd> {
  const { connectCln } = await withGrpc(() => import('./overGrpc.ts'));
  return connectCln(given, options);
}

/** A store in lightningd's own datastore: what the plugin must know of purchases is there. */
export const clnStore = (cln: Lightningd, o: { readonly clock?: Clock } = {}): ClnStore =>
  storeOf(cln, { clock: systemClock, random: systemRandom, ...o });

/** A lightningd as the wallet of a client; our plugin beside it keeps the gates. @throws NodeError when it does not run there */
export const clnWallet = (
  cln: Lightningd,
  init: Omit<ClnWalletInit, 'clock' | 'random'> & Partial<ClnWalletInit>,
): Promise<WalletNode> => walletOf(cln, { clock: systemClock, random: systemRandom, ...init });

/** A lightningd as it is, with its own cln-lsps-client, as the wallet of a client. @throws NodeError when that does not run there */
export const clnStockWallet = (
  cln: Lightningd,
  init: Omit<ClnStockWalletInit, 'clock' | 'random'> & Partial<ClnStockWalletInit>,
): Promise<ClnStockWallet> => stockOf(cln, { clock: systemClock, random: systemRandom, ...init });

/** For a plugin: its lightningd. @throws NodeError */
export const clnHost = (
  host: PluginHost,
  o: { readonly clock?: Clock; readonly log?: Log } = {},
): Promise<Lightningd> => hostLightningd(host, { clock: systemClock, log: () => undefined, ...o });

/** For a plugin: a wallet whose gates are asked inside lightningd, by its hooks. */
export const clnHookedWallet = (
  cln: Lightningd,
  init: Omit<HookedWalletInit, 'clock' | 'random'> & Partial<HookedWalletInit>,
): Promise<HookedWallet> => hookedWallet(cln, { clock: systemClock, random: systemRandom, ...init });
