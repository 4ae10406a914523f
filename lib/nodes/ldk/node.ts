import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'eventemitter3';
import * as ldk from 'lightningdevkit';
import type { NodeId, PeerUri } from '../../core/ids.ts';
import type { Stop } from '../../ports/abort.ts';
import type { Log } from '../../ports/log.ts';
import type { ByteStore } from '../../ports/store.ts';
import type { Block, LdkChain } from './chain.ts';
import { type ConfigOptions, DEFAULT_MINIMUM_DEPTH, userConfig } from './config.ts';
import { customMessages } from './customMessages.ts';
import { toNodeId } from './fromLdk.ts';
import { confirmAll, startManager } from './manager.ts';
import { eventPump } from './pump.ts';
import { feeEstimator, logger, networkGraph, persister, publisher } from './services.ts';
import { sockets } from './sockets.ts';
import { type Staging, staging } from './store.ts';
import { startWasm } from './wasm.ts';

export interface LdkNodeInit extends ConfigOptions {
  readonly chain: LdkChain;
  /** Where the node keeps itself; without it, it lives as long as its process. */
  readonly store?: ByteStore | undefined;
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
  /** Records of the adapters, saved together with LDK's own. */
  readonly records: Staging;
  /** Locking scripts of the channels' funding outputs, by outpoint as BOLT serialises it; both hex. */
  readonly fundingScripts: ReadonlyMap<string, string>;
  /** Confirmations that channels to this node wait for. */
  readonly minimumDepth: number;
  /**
   * The first round. A node that was restored waits for this, so that whoever must hear of its events listens already; any
   * other begins by itself.
   */
  begin(): void;
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
/**
 * After a restart LDK fails an HTLC on its way to a peer that is not back yet: it is given so long.
 */
const PEERS_GRACE_MS = 10_000;

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

  const fundingScripts = new Map<string, string>();
  const records = staging(init.store);
  const seed = records.loaded('seed').get('') ?? new Uint8Array(randomBytes(32));
  records.put('seed', seed);
  const nowMs = Date.now();
  const nowSeconds = Math.floor(nowMs / 1000);
  const words = keep(logger((text) => emitter.emit('words', text)));
  const fees = keep(feeEstimator());
  const outlet = publisher(chain, log);
  keep(outlet.broadcaster);
  const keys = keep(ldk.KeysManager.constructor_new(seed, BigInt(nowSeconds), (nowMs % 1000) * NANOS_PER_MS));
  const signer = keep(keys.as_NodeSigner());
  const monitor = keep(
    ldk.ChainMonitor.constructor_new(
      ldk.Option_FilterZ.constructor_none(),
      outlet.broadcaster,
      words,
      fees,
      keep(persister(records, fundingScripts)),
    ),
  );
  const config = userConfig(init);
  // A block that comes while the node starts is taken up as soon as it has.
  const early: Block[] = [];
  let connect = (block: Block) => void early.push(block);
  const stopBlocks = chain.onBlock((block) => connect(block));
  const { manager, restored } = await startManager({
    fees,
    monitor,
    publisher: outlet.broadcaster,
    router: keep(router(keys, words, keep)).as_Router(),
    messageRouter: keep(
      ldk.DefaultMessageRouter.constructor_new(networkGraph(), keys.as_EntropySource()),
    ).as_MessageRouter(),
    words,
    keys,
    config,
    chain,
    records,
    fundingScripts,
    keep,
  });
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
  let begunAt = performance.now();
  const pump = eventPump({
    manager,
    monitor,
    peers,
    log,
    event: (event) => emitter.emit('event', event),
    round: () => emitter.emit('round'),
    commit() {
      const changed = manager.get_and_clear_needs_persistence();
      if (init.store && (changed || !records.isEmpty())) records.put('manager', manager.write());
      records.commit();
    },
    flush() {
      tcp.flush();
      outlet.flush();
    },
    mayForward: () => !restored || performance.now() - begunAt > PEERS_GRACE_MS || allUsable(manager),
  });
  const tcp = sockets(peers, pump.wake);
  connect = (block) => {
    if (block.height <= manager.current_best_block().get_height()) return;
    for (const confirm of [manager.as_Confirm(), monitor.as_Confirm()]) {
      confirmAll(confirm, block);
      confirm.best_block_updated(block.header, block.height);
    }
    pump.wake();
    emitter.emit('block', block.height);
  };
  for (const block of early) connect(block);
  if (!restored) pump.begin();

  return {
    nodeId: toNodeId(manager.get_our_node_id()),
    chain,
    config,
    manager,
    signer,
    peers,
    log,
    connectedPeers,
    records,
    fundingScripts,
    minimumDepth: init.minimumDepth ?? DEFAULT_MINIMUM_DEPTH,
    begin() {
      begunAt = performance.now();
      pump.begin();
    },
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

const allUsable = (manager: ldk.ChannelManager): boolean =>
  manager.list_channels().every((channel) => !channel.get_is_channel_ready() || channel.get_is_usable());

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
