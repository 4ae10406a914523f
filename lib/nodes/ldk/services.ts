import * as ldk from 'lightningdevkit';
import type { Log } from '../../ports/log.ts';
import type { LdkChain } from './chain.ts';

const FEERATE_SAT_PER_KW = 253;
const FEERATE_MAX_SAT_PER_KW = 5_000;

/** Fixed fee rates: regtest has no market. */
export const feeEstimator = (): ldk.FeeEstimator =>
  ldk.FeeEstimator.new_impl({
    get_est_sat_per_1000_weight: (target) =>
      target === ldk.ConfirmationTarget.LDKConfirmationTarget_MaximumFeeEstimate
        ? FEERATE_MAX_SAT_PER_KW
        : FEERATE_SAT_PER_KW,
  });

/** LDK hands the same transaction over many times, and cannot bear a throw in here. */
export const broadcaster = (chain: LdkChain, log: Log): ldk.BroadcasterInterface =>
  ldk.BroadcasterInterface.new_impl({
    broadcast_transactions(transactions) {
      for (const raw of transactions) {
        chain.broadcast(raw.slice()).catch((cause: unknown) => {
          log({ level: 'debug', event: 'ldk.broadcast_refused', fields: { cause: String(cause) } });
        });
      }
    },
  });

/** Everything stays in memory: these nodes live as long as their process. */
export const persister = (): ldk.Persist => {
  const done = ldk.ChannelMonitorUpdateStatus.LDKChannelMonitorUpdateStatus_Completed;
  return ldk.Persist.new_impl({
    persist_new_channel: () => done,
    update_persisted_channel: () => done,
    archive_persisted_channel: () => undefined,
  });
};

/** LDK's words, from Debug on; some facts (the failure code that a payer receives) are nowhere else. */
export const logger = (hear: (text: string) => void): ldk.Logger =>
  ldk.Logger.new_impl({
    log(record) {
      if (record.get_level() >= ldk.Level.LDKLevel_Debug) hear(record.get_args());
    },
  });

let shared: { readonly graph: ldk.NetworkGraph; readonly logger: ldk.Logger } | undefined;

/** One graph for all nodes of a process: each would reserve 160 MB of address space. */
export function networkGraph(): ldk.NetworkGraph {
  if (!shared) {
    const silent = logger(() => undefined);
    shared = { logger: silent, graph: ldk.NetworkGraph.constructor_new(ldk.Network.LDKNetwork_Regtest, silent) };
  }
  return shared.graph;
}
