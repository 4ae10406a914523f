import { NodeError } from '../../core/errors.ts';
import { listChannels } from './channels.ts';
import type { Lnd } from './lnd.ts';
import { checkMayGive } from './preimages.ts';

/**
 * All that a wallet on lnd asks of it: `lncli bakemacaroon` with these makes the macaroon that can do this, and nothing else. It has no call
 * that sends or opens; but who decides about forwards and channels, as it lets him, can do much harm.
 */
export const LND_PERMISSIONS: readonly string[] = [
  'uri:/lnrpc.Lightning/GetInfo',
  'uri:/lnrpc.Lightning/ConnectPeer',
  'uri:/lnrpc.Lightning/ListPeers',
  'uri:/lnrpc.Lightning/SubscribePeerEvents',
  'uri:/lnrpc.Lightning/SendCustomMessage',
  'uri:/lnrpc.Lightning/SubscribeCustomMessages',
  'uri:/lnrpc.Lightning/ChannelAcceptor',
  'uri:/lnrpc.Lightning/ListChannels',
  'uri:/lnrpc.Lightning/PendingChannels',
  'uri:/lnrpc.Lightning/SubscribeChannelEvents',
  'uri:/lnrpc.Lightning/GetChanInfo',
  'uri:/lnrpc.Lightning/AddInvoice',
  'uri:/routerrpc.Router/HtlcInterceptor',
];

/** Asks what only reads, so that a missing permission is told before anything is bought. The streams tell themselves. @throws NodeError */
export async function checkPermissions(lnd: Lnd): Promise<void> {
  const { lightning } = lnd;
  await listChannels(lnd);
  await lnd.call('PendingChannels', lightning.pendingChannels.bind(lightning), {});
  // There is no such channel; whether we may ask is what counts.
  await lnd.call('GetChanInfo', lightning.getChanInfo.bind(lightning), { chanId: 0n }).catch((cause: unknown) => {
    if (cause instanceof NodeError && cause.reason === 'permission') throw cause;
  });
  await checkMayGive(lnd);
}
