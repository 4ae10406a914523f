import { randomBytes } from 'node:crypto';
import * as ldk from 'lightningdevkit';
import { fromHex } from '../core/bytes.ts';
import { jitChannelConfig } from '../nodes/ldk/config.ts';
import { unwrap } from '../nodes/ldk/fromLdk.ts';
import type { LdkNode } from '../nodes/ldk/node.ts';
import { until } from './until.ts';

const CAPACITY_SAT = 200_000n;
const USER_ID = 2n;

/** Connects to a wallet and offers it a channel exactly like one that was bought, but for having been bought. */
export async function offerUnsolicited(stranger: LdkNode, wallet: LdkNode): Promise<void> {
  const port = await wallet.listen();
  await stranger.dial({ nodeId: wallet.nodeId, host: '127.0.0.1', port });
  await until(() => stranger.connectedPeers.has(wallet.nodeId), 'the stranger to connect');
  const made = stranger.manager.create_channel(
    fromHex(wallet.nodeId),
    CAPACITY_SAT,
    0n,
    USER_ID,
    ldk.ChannelId.constructor_new(new Uint8Array(randomBytes(32))),
    jitChannelConfig(stranger.config),
  );
  unwrap(made, 'create_channel');
  stranger.wake();
}
