import { NodeError } from 'lsps2';
import { type Lnd, lndWallet } from 'lsps2/lnd';
import { memoryStore } from 'lsps2/memory';
import { isLate, type Tell, tellSynced } from './checks.ts';
import { messageOf } from './exitCode.ts';

/** Since then lnd refuses what is smaller than its onion says; the phantom hop was proven on the later one. */
const LEAST_VERSION = [0, 18, 5];
export const MEND_PERMISSION = 'docs/lnd.md bakes the macaroon that is needed';

export async function lookAtLnd(lnd: Lnd, tell: Tell): Promise<void> {
  const isNew = isLate(lnd.version, LEAST_VERSION);
  tell('version', isNew ? 'good' : 'bad', lnd.version, 'lnd 0.18.5 or later; 0.21.2 is proven');
  tellSynced(tell, lnd.syncedToChain);
  tell(
    'zero-conf',
    lnd.zeroConf ? 'good' : 'bad',
    lnd.zeroConf ? 'let in' : 'not let in',
    'protocol.option-scid-alias=true and protocol.zero-conf=true in lnd.conf, and start it again',
  );
  tell(
    'requireinterceptor',
    lnd.requiresInterceptor ? 'good' : 'risk',
    lnd.requiresInterceptor ? 'on' : 'off: what is held is let go when the wallet’s program is away',
    'requireinterceptor=true in lnd.conf, where the node routes for nobody else',
  );
  if (lnd.zeroConf) await tryOut(lnd, tell);
  const unseen = 'lnd tells neither over gRPC';
  tell(
    'minchansize',
    'unknown',
    unseen,
    'at most what an LSP opens for your smallest payment (lnd’s default is 20,000 sat)',
  );
  tell(
    'coins',
    'unknown',
    'no permission to see them',
    '50,000 sat or so on the chain, should a payment be claimed there',
  );
  tell('maxpendingchannels', 'unknown', unseen, '1, the default, lets in one channel of an LSP at a time');
}

/** Does what a wallet does when it starts: each stream, each call that only reads. */
async function tryOut(lnd: Lnd, tell: Tell): Promise<void> {
  try {
    const wallet = await lndWallet(lnd, { store: memoryStore() });
    tell('permissions', 'good', 'all that can be tried without buying');
    tell('to_self_delay', 'good', `${wallet.toSelfDelayBlocks} blocks are asked of LSPs`);
    wallet.close();
  } catch (error) {
    const taken = error instanceof NodeError && error.detail.includes('already exists');
    const mend = taken ? 'another program intercepts HTLCs: there can be only one' : MEND_PERMISSION;
    tell('permissions', 'bad', messageOf(error), mend);
  }
}
