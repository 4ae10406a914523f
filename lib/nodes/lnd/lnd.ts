import { connectivityState, credentials as grpc, Metadata } from '@grpc/grpc-js';
import { DecodeError, NodeError } from '../../core/errors.ts';
import { type NodeId, nodeId } from '../../core/ids.ts';
import type { Network } from '../../core/network.ts';
import { type GetInfoResponse, LightningClient } from '../../generated/lnd/lightning.ts';
import { RouterClient } from '../../generated/lnd/router.ts';
import type { Log } from '../../ports/log.ts';
import { FEATURE } from '../../protocol/bolt1/features.ts';
import { type Calls, calls } from '../grpc/calls.ts';
import { checkCredentials, type LndCredentials, readLndconnect } from './credentials.ts';

/** A running lnd, connected. */
export interface Lnd extends Calls {
  readonly nodeId: NodeId;
  readonly network: Network;
  /** As lnd tells it, `0.20.1-beta ...`. */
  readonly version: string;
  /** Whether its configuration lets in zero-conf channels at all (`protocol.zero-conf`, `protocol.option-scid-alias`): when we connected. */
  readonly zeroConf: boolean;
  /** And now: it may have been started with another one since; and between a block and its own books it refuses every channel. @throws NodeError */
  now(): Promise<{ readonly zeroConf: boolean; readonly syncedToChain: boolean }>;
  /** As it was when we connected. */
  readonly syncedToChain: boolean;
  /** `requireinterceptor`: HTLCs that we hold stay held while we are away. */
  readonly requiresInterceptor: boolean;
  readonly lightning: LightningClient;
  readonly router: RouterClient;
  readonly metadata: () => Metadata;
  readonly log: Log;
  height(): Promise<number>;
  isUp(): boolean;
  close(): void;
}

export interface LndOptions {
  readonly log?: Log;
  /** How long it may take to answer a call. Default 30,000. */
  readonly answerWithinMs?: number;
}

const NETWORKS: Readonly<Record<string, Network>> = {
  mainnet: 'bitcoin',
  testnet: 'testnet',
  signet: 'signet',
  regtest: 'regtest',
};
/** lnd's largest message; its channel lists grow with the node. */
const MESSAGE_BYTES_MAX = 200 * 1024 * 1024;
const KEEPALIVE_MS = 30_000;
const FIRST_BACKOFF_MS = 250;
const LAST_BACKOFF_MS = 5_000;

/**
 * Connects to an lnd and asks who it is. @throws NodeError: unreachable, another certificate, no permission, locked, starting
 */
export async function connectLnd(
  given: LndCredentials | string,
  { log = () => undefined, answerWithinMs }: LndOptions = {},
): Promise<Lnd> {
  const credentials = typeof given === 'string' ? readLndconnect(given) : given;
  checkCredentials(credentials);
  const { address, certificate, macaroon } = credentials;
  const where = `lnd at ${address}`;
  let isUp = false;
  const metadata = () => {
    // Who was there is waited for: lnd may be starting again.
    const data = new Metadata({ waitForReady: isUp });
    data.set('macaroon', macaroon);
    return data;
  };
  const secure = grpc.createSsl(certificate === undefined ? null : Buffer.from(certificate));
  // Every certificate that lnd makes itself is for localhost, too; an IP address is no server name (RFC 6066).
  const name = certificate === undefined ? {} : { 'grpc.ssl_target_name_override': 'localhost' };
  const options = {
    ...name,
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.initial_reconnect_backoff_ms': FIRST_BACKOFF_MS,
    'grpc.max_reconnect_backoff_ms': LAST_BACKOFF_MS,
  };
  const lightning = new LightningClient(address, secure, options);
  const router = new RouterClient(address, secure, { ...options, channelOverride: lightning.getChannel() });
  const asked = calls(where, metadata, answerWithinMs);
  const info = () => asked.call('GetInfo', lightning.getInfo.bind(lightning), {});
  const close = () => lightning.close();
  try {
    const told = await info();
    isUp = true;
    return {
      ...asked,
      ...factsOf(told, where),
      lightning,
      router,
      metadata,
      log,
      isUp: () => lightning.getChannel().getConnectivityState(false) === connectivityState.READY,
      height: async () => (await info()).blockHeight,
      async now() {
        const found = await info();
        return { zeroConf: isZeroConf(found), syncedToChain: found.syncedToChain };
      },
      close,
    };
  } catch (cause) {
    close();
    throw cause;
  }
}

function factsOf(info: GetInfoResponse, where: string) {
  const network = NETWORKS[info.chains[0]?.network ?? ''];
  if (!network) throw new NodeError(`${where} is on a network that we do not know`, { reason: 'unsupported' });
  return {
    nodeId: idOf(info.identityPubkey, where),
    network,
    version: info.version,
    zeroConf: isZeroConf(info),
    syncedToChain: info.syncedToChain,
    requiresInterceptor: info.requireHtlcInterceptor,
  };
}

function isZeroConf({ features }: GetInfoResponse): boolean {
  const has = (bit: number) => features.has(bit) || features.has(bit ^ 1);
  return has(FEATURE.zeroConf) && has(FEATURE.scidAlias);
}

function idOf(text: string, where: string): NodeId {
  try {
    return nodeId(text);
  } catch (cause) {
    throw new NodeError(`${where} does not say who it is`, { cause: cause as DecodeError });
  }
}
