import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'eventemitter3';
import * as ldk from 'lightningdevkit';
import type { NodeId, PeerUri } from '../../core/ids.ts';
import type { Stop } from '../../ports/abort.ts';
import type { Log } from '../../ports/log.ts';
import type { LdkChain } from './chain.ts';
import { type ConfigOptions, userConfig } from './config.ts';
import { customMessages } from './customMessages.ts';
import { toNodeId } from './fromLdk.ts';
import { eventPump } from './pump.ts';
import { broadcaster, feeEstimator, logger, networkGraph, persister } from './services.ts';
import { sockets } from './sockets.ts';
import { startWasm } from './wasm.ts';

export interface LdkNodeInit extends ConfigOptions {
  readonly chain: LdkChain;
  readonly log?: Log | undefined;
}

/** A whole LDK node, embedded: what the adapters of the ports are made from. Regtest only. */
export interface LdkNode {
  readonly nodeId: NodeId;
  readonly chain: LdkChain;
  readonly config: ldk.UserConfig;
  readonly manager: ldk.ChannelManager;
  readonly signer: ldk.NodeSigner;
  readonly peers: ldk.PeerManager;
  readonly log: Log;
  readonly connectedPeers: ReadonlySet<NodeId>;
  dial(peer: PeerUri): Promise<void>;
  listen(host?: string, port?: number): Promise<number>;
  queueMessage(to: NodeId, type: number, payload: Uint8Array): void;
  /** To be called after every call into LDK: it has something to send. */
  wake(): void;
  onEvent(f: (event: ldk.Event) => void): Stop;
  /** Before the events of each round: the moment to compare HTLCs. */
  onRound(f: () => void): Stop;
  onMessage(f: (from: NodeId, type: number, payload: Uint8Array) => void): Stop;
  onConnected(f: (peer: NodeId) => void): Stop;
  onDisconnected(f: (peer: NodeId) => void): Stop;
  onBlock(f: (height: number) => void): Stop;
  /** LDK's own log, line by line. */
  onWords(f: (text: string) => void): Stop;
  stop(): Promise<void>;
}

const NANOS_PER_MS = 1_000_000;

export async function startNode(init: LdkNodeInit): Promise<LdkNode> {
  await startWasm();
  const { chain } = init;
  const log = init.log ?? (() => undefined);
  const emitter = new EventEmitter();
  const connectedPeers = new Set<NodeId>();
  // LDK holds JS objects only weakly: what is not kept here is collected, and LDK panics.
  const kept: object[] = [];
  const keep = <T extends object>(made: T): T => {
    kept.push(made);
    return made;
  };
  const on =
    (name: string) =>
    <Told extends unknown[]>(f: (...told: Told) => void): Stop => {
      emitter.on(name, f);
      return () => void emitter.off(name, f);
    };

  const nowMs = Date.now();
  const nowSeconds = Math.floor(nowMs / 1000);
  const words = keep(logger((text) => emitter.emit('words', text)));
  const fees = keep(feeEstimator());
  const publisher = keep(broadcaster(chain, log));
  const keys = keep(
    ldk.KeysManager.constructor_new(new Uint8Array(randomBytes(32)), BigInt(nowSeconds), (nowMs % 1000) * NANOS_PER_MS),
  );
  const signer = keep(keys.as_NodeSigner());
  const monitor = keep(
    ldk.ChainMonitor.constructor_new(ldk.Option_FilterZ.constructor_none(), publisher, words, fees, keep(persister())),
  );
  const config = userConfig(init);
  const { hash, height } = chain.tip();
  const manager = keep(
    ldk.ChannelManager.constructor_new(
      fees,
      monitor.as_Watch(),
      publisher,
      keep(router(keys, words, keep)).as_Router(),
      keep(ldk.DefaultMessageRouter.constructor_new(networkGraph(), keys.as_EntropySource())).as_MessageRouter(),
      words,
      keys.as_EntropySource(),
      keys.as_NodeSigner(),
      keys.as_SignerProvider(),
      config,
      ldk.ChainParameters.constructor_new(ldk.Network.LDKNetwork_Regtest, ldk.BestBlock.constructor_new(hash, height)),
      nowSeconds,
    ),
  );
  const messages = customMessages({
    isLsp: init.role === 'lsp',
    listener: {
      message: (from, type, payload) => emitter.emit('message', from, type, payload),
      connected(peer) {
        connectedPeers.add(peer);
        emitter.emit('connected', peer);
      },
      disconnected(peer) {
        connectedPeers.delete(peer);
        emitter.emit('disconnected', peer);
      },
    },
  });
  keep(messages.handler);
  const ignore = keep(ldk.IgnoringMessageHandler.constructor_new());
  const peers = keep(
    ldk.PeerManager.constructor_new(
      manager.as_ChannelMessageHandler(),
      ignore.as_RoutingMessageHandler(),
      ignore.as_OnionMessageHandler(),
      messages.handler,
      nowSeconds,
      new Uint8Array(randomBytes(32)),
      words,
      keys.as_NodeSigner(),
    ),
  );
  const pump = eventPump({
    manager,
    monitor,
    peers,
    log,
    event: (event) => emitter.emit('event', event),
    round: () => emitter.emit('round'),
  });
  const tcp = sockets(peers, pump.wake);
  const stopBlocks = chain.onBlock((block) => {
    const transactions = () =>
      block.transactions.map(({ index, raw }) => ldk.TwoTuple_usizeTransactionZ.constructor_new(index, raw));
    for (const confirm of [manager.as_Confirm(), monitor.as_Confirm()]) {
      if (block.transactions.length > 0) confirm.transactions_confirmed(block.header, transactions(), block.height);
      confirm.best_block_updated(block.header, block.height);
    }
    pump.wake();
    emitter.emit('block', block.height);
  });

  return {
    nodeId: toNodeId(manager.get_our_node_id()),
    chain,
    config,
    manager,
    signer,
    peers,
    log,
    connectedPeers,
    dial: (peer) => tcp.dial(peer),
    listen: (host = '127.0.0.1', port = 0) => tcp.listen(host, port),
    queueMessage(to, type, payload) {
      messages.queue(to, type, payload);
      pump.wake();
    },
    wake: pump.wake,
    onEvent: on('event'),
    onRound: on('round'),
    onMessage: on('message'),
    onConnected: on('connected'),
    onDisconnected: on('disconnected'),
    onBlock: on('block'),
    onWords: on('words'),
    async stop() {
      stopBlocks();
      pump.stop();
      peers.disconnect_all_peers();
      await tcp.close();
      emitter.removeAllListeners();
      kept.length = 0;
    },
  };
}

function router(keys: ldk.KeysManager, words: ldk.Logger, keep: <T extends object>(made: T) => T): ldk.DefaultRouter {
  const scorer = ldk.ProbabilisticScorer.constructor_new(
    ldk.ProbabilisticScoringDecayParameters.constructor_default(),
    networkGraph(),
    words,
  );
  const score = keep(ldk.MultiThreadedLockableScore.constructor_new(scorer.as_Score()));
  return ldk.DefaultRouter.constructor_new(
    networkGraph(),
    words,
    keys.as_EntropySource(),
    score.as_LockableScore(),
    ldk.ProbabilisticScoringFeeParameters.constructor_default(),
  );
}
