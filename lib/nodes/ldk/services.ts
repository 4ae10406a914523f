import * as ldk from 'lightningdevkit';
import { toHex } from '../../core/bytes.ts';
import type { Log } from '../../ports/log.ts';
import type { LdkChain } from './chain.ts';
import type { Staging } from './store.ts';

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

export interface Publisher {
  readonly broadcaster: ldk.BroadcasterInterface;
  /** Sends out what LDK handed over since the last time: after a commit, never before. */
  flush(): void;
}

/** LDK hands the same transaction over many times, and cannot bear a throw in here. */
export function publisher(chain: LdkChain, log: Log): Publisher {
  let queued: Uint8Array[] = [];
  return {
    broadcaster: ldk.BroadcasterInterface.new_impl({
      broadcast_transactions: (transactions) => void queued.push(...transactions.map((raw) => raw.slice())),
    }),
    flush() {
      const out = queued;
      queued = [];
      for (const raw of out) {
        chain.broadcast(raw).catch((cause: unknown) => {
          log({ level: 'debug', event: 'ldk.broadcast_refused', fields: { cause: String(cause) } });
        });
      }
    },
  };
}

/** A channel's monitor is staged whenever it changes, and is on disk before anything that follows from it leaves the node. */
export function persister(records: Pick<Staging, 'put'>, fundingScripts: Map<string, string>): ldk.Persist {
  const key = (outpoint: ldk.OutPoint) => `monitor/${toHex(outpoint.write())}`;
  const put = (outpoint: ldk.OutPoint, monitor: ldk.ChannelMonitor) => {
    records.put(key(outpoint), monitor.write());
    noteFunding(fundingScripts, monitor);
    return ldk.ChannelMonitorUpdateStatus.LDKChannelMonitorUpdateStatus_Completed;
  };
  return ldk.Persist.new_impl({
    persist_new_channel: put,
    // LDK gives no update when a block came; the monitor itself is always there.
    update_persisted_channel: (outpoint, _update, monitor) => put(outpoint, monitor),
    archive_persisted_channel(outpoint) {
      fundingScripts.delete(toHex(outpoint.write()));
      records.put(key(outpoint), undefined);
    },
  });
}

/** The script of a channel's funding output is to be had only from its monitor, and that only while it is in our hands. */
export function noteFunding(scripts: Map<string, string>, monitor: ldk.ChannelMonitor): void {
  const funding = monitor.get_funding_txo();
  scripts.set(toHex(funding.get_a().write()), toHex(funding.get_b()));
}

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
