import * as ldk from 'lightningdevkit';
import { type Sat, wholeSat } from '../core/amount.ts';
import { fromHex } from '../core/bytes.ts';
import { NodeError } from '../core/errors.ts';
import type { NodeId } from '../core/ids.ts';
import { toU64, unwrap } from '../nodes/ldk/fromLdk.ts';
import type { LdkNode } from '../nodes/ldk/node.ts';
import type { TestChain } from './chain/chain.ts';
import { until } from './until.ts';

/** Confirmations that LDK waits for by our configuration. */
const DEPTH_BLOCKS = 1;
const USER_ID = 1n;

/** Opens and confirms an ordinary channel, unannounced, all money on the opener's side. */
export async function openChannel(chain: TestChain, from: LdkNode, to: NodeId, capacity: Sat): Promise<void> {
  const usable = () => from.manager.list_usable_channels().length;
  const before = usable();
  const funded = new Promise<void>((resolve, reject) => {
    const stop = from.onEvent((event) => {
      if (event instanceof ldk.Event_FundingGenerationReady) {
        stop();
        fund(chain, from, event).then(resolve, reject);
      } else if (event instanceof ldk.Event_ChannelClosed) {
        stop();
        reject(new NodeError('the channel was refused'));
      }
    });
  });
  const made = from.manager.create_channel(fromHex(to), capacity, 0n, USER_ID, null, null);
  unwrap(made, 'create_channel');
  from.wake();
  await funded;
  await chain.mine(DEPTH_BLOCKS);
  await until(() => usable() > before, 'the channel to become usable');
}

async function fund(chain: TestChain, from: LdkNode, event: ldk.Event_FundingGenerationReady): Promise<void> {
  const funding = await chain.fund(event.output_script, wholeSat(toU64(event.channel_value_satoshis)));
  const { temporary_channel_id: id, counterparty_node_id: peer } = event;
  unwrap(from.manager.funding_transaction_generated(id, peer, funding.raw), 'funding_transaction_generated');
  from.wake();
  await until(() => chain.inMempool(funding.txid), 'the funding transaction');
}
