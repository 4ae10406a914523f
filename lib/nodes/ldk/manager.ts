import * as ldk from 'lightningdevkit';
import type { Block, LdkChain } from './chain.ts';
import { unwrap } from './fromLdk.ts';
import { noteFunding } from './services.ts';
import type { Staging } from './store.ts';

/** What a ChannelManager is made of. */
export interface ManagerParts {
  readonly fees: ldk.FeeEstimator;
  readonly monitor: ldk.ChainMonitor;
  readonly publisher: ldk.BroadcasterInterface;
  readonly router: ldk.Router;
  readonly messageRouter: ldk.MessageRouter;
  readonly words: ldk.Logger;
  readonly keys: ldk.KeysManager;
  readonly config: ldk.UserConfig;
  readonly chain: LdkChain;
  readonly records: Staging;
  readonly fundingScripts: Map<string, string>;
  /** LDK holds JS objects only weakly: what must live is kept by this. */
  keep<T extends object>(made: T): T;
}

/** The channels as they were left, brought up to the chain's tip; or none, on a first start. */
export async function startManager(parts: ManagerParts): Promise<{ manager: ldk.ChannelManager; restored: boolean }> {
  const saved = parts.records.loaded('manager').get('');
  if (saved === undefined) return { manager: parts.keep(fresh(parts)), restored: false };
  const monitors = [...parts.records.loaded('monitor/').values()].map((bytes) => readMonitor(parts, bytes));
  const manager = readManager(parts, saved, monitors);
  for (const each of monitors) {
    noteFunding(parts.fundingScripts, each);
    unwrap(parts.monitor.as_Watch().watch_channel(each.get_funding_txo().get_a(), each), 'watch_channel');
  }
  reconfigure(manager, parts.config);
  await catchUp(parts, manager, monitors);
  return { manager, restored: true };
}

function fresh(o: ManagerParts): ldk.ChannelManager {
  const { hash, height } = o.chain.tip();
  return ldk.ChannelManager.constructor_new(
    o.fees,
    o.monitor.as_Watch(),
    o.publisher,
    o.router,
    o.messageRouter,
    o.words,
    o.keys.as_EntropySource(),
    o.keys.as_NodeSigner(),
    o.keys.as_SignerProvider(),
    o.config,
    ldk.ChainParameters.constructor_new(ldk.Network.LDKNetwork_Regtest, ldk.BestBlock.constructor_new(hash, height)),
    Math.floor(Date.now() / 1000),
  );
}

/**
 * LDK reads channels back with `accept_underpaying_htlcs` off, whatever it was, and a wallet then refuses every skimmed HTLC.
 * LDK 0.2 lets it be turned on again by this; 0.1, the last with bindings for JavaScript, takes the call and changes nothing.
 */
function reconfigure(manager: ldk.ChannelManager, config: ldk.UserConfig): void {
  for (const channel of manager.list_channels()) {
    const peer = channel.get_counterparty().get_node_id();
    const done = manager.update_channel_config(peer, [channel.get_channel_id()], config.get_channel_config());
    unwrap(done, 'update_channel_config');
  }
}

function readMonitor({ keys, keep }: ManagerParts, bytes: Uint8Array): ldk.ChannelMonitor {
  const pair = unwrap<ldk.TwoTuple_ThirtyTwoBytesChannelMonitorZ>(
    ldk.UtilMethods.constructor_C2Tuple_ThirtyTwoBytesChannelMonitorZ_read(
      bytes,
      keys.as_EntropySource(),
      keys.as_SignerProvider(),
    ),
    'a stored channel monitor',
  );
  return keep(keep(pair).get_b());
}

function readManager(o: ManagerParts, bytes: Uint8Array, monitors: ldk.ChannelMonitor[]): ldk.ChannelManager {
  const pair = unwrap<ldk.TwoTuple_ThirtyTwoBytesChannelManagerZ>(
    ldk.UtilMethods.constructor_C2Tuple_ThirtyTwoBytesChannelManagerZ_read(
      bytes,
      o.keys.as_EntropySource(),
      o.keys.as_NodeSigner(),
      o.keys.as_SignerProvider(),
      o.fees,
      o.monitor.as_Watch(),
      o.publisher,
      o.router,
      o.messageRouter,
      o.words,
      o.config,
      monitors,
    ),
    'the stored channel manager',
  );
  return o.keep(o.keep(pair).get_b());
}

/** Tells of the transactions of every block that was missed, and of the tip once. */
async function catchUp(
  { chain, monitor }: ManagerParts,
  manager: ldk.ChannelManager,
  monitors: readonly ldk.ChannelMonitor[],
): Promise<void> {
  const heights = [manager, ...monitors].map((each) => each.current_best_block().get_height());
  const missed = await chain.since(Math.min(...heights));
  const tip = missed.at(-1);
  if (!tip) return;
  for (const confirm of [manager.as_Confirm(), monitor.as_Confirm()]) {
    for (const block of missed) confirmAll(confirm, block);
    confirm.best_block_updated(tip.header, tip.height);
  }
}

/** Tells LDK of the transactions of a block. */
export function confirmAll(confirm: ldk.Confirm, { header, height, transactions }: Block): void {
  if (transactions.length === 0) return;
  const numbered = transactions.map(({ index, raw }) => ldk.TwoTuple_usizeTransactionZ.constructor_new(index, raw));
  confirm.transactions_confirmed(header, numbered, height);
}
