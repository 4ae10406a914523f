import { wholeSat } from '../core/amount.ts';
import { formatUri, type NodeId } from '../core/ids.ts';
import { type Lsp, lsp } from '../lsp/lsp.ts';
import { type FlatRate, flatRate, type Policy } from '../lsp/policy.ts';
import { ldkLsp } from '../nodes/ldk/lsp.ts';
import { type LdkNode, type LdkNodeInit, startNode } from '../nodes/ldk/node.ts';
import { ldkWallet } from '../nodes/ldk/wallet.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ByteStore, Store } from '../ports/store.ts';
import type { LspNode } from '../ports/lspNode.ts';
import type { WalletNode } from '../ports/walletNode.ts';
import { memoryStore } from '../stores/memory.ts';
import { bitcoindChain } from './chain/bitcoind.ts';
import type { TestChain } from './chain/chain.ts';
import { memoryChain } from './chain/memory.ts';
import { MISBEHAVIOURS, type Misbehaviour } from './misbehave/index.ts';
import { openChannel } from './openChannel.ts';
import { ldkPayer, type Payer } from './payer.ts';
import { offerUnsolicited } from './stranger.ts';
import { until } from './until.ts';

export interface NetworkOptions {
  /** What the LSP charges and allows; `flatRate()` when left out. */
  readonly policy?: Policy | FlatRate;
  /** RPC address of a regtest bitcoind, as `http://user:password@127.0.0.1:18443`; a chain in memory when left out. */
  readonly bitcoind?: string;
  /** Where the LSP keeps its records and its node keeps itself; in memory when left out. The caller closes it. */
  readonly lspStore?: Store & { readonly bytes: ByteStore };
  /** Channels between payer and LSP. Default 1. */
  readonly payerChannels?: number;
  /** Capacity of each of them, in satoshi. At most 16,777,215, the default. */
  readonly payerChannelSat?: bigint;
  /** Where the wallet's node keeps itself; in memory when left out. The caller closes it. */
  readonly walletBytes?: ByteStore;
  /** The `to_self_delay` that the wallet imposes, in blocks. */
  readonly walletToSelfDelayBlocks?: number;
  /** An LSP that a wallet should be tested against, by name. */
  readonly misbehave?: Misbehaviour;
  /** The same by hand: what its node does is changed before its runtime sees it. */
  readonly tamper?: (node: LspNode) => LspNode;
  /** Confirmations that the wallet's node can be made to wait for. Default 1. */
  readonly walletMinimumDepth?: number;
  /** The LSP opens announced channels instead of the private ones that it sold. */
  readonly publicChannels?: boolean;
  readonly log?: Log;
  /** The LSP's clock, for a test that cannot wait for `valid_until`. */
  readonly lspClock?: Clock;
}

/** A whole Lightning network in one process: payer, LSP and wallet, talking BOLT over TCP on loopback. */
export interface TestNetwork {
  readonly payer: Payer;
  readonly lsp: Lsp & { readonly uri: string; readonly node: LspNode };
  /** For `client({ node })`. */
  readonly wallet: WalletNode;
  readonly chain: TestChain;
  /** The LDK nodes behind them, for what a test wants to do by hand. */
  readonly nodes: { readonly payer: LdkNode; readonly lsp: LdkNode; readonly wallet: LdkNode };
  /** A stranger connects to the wallet and opens a channel that nobody bought. Resolves when it is offered. */
  openUnsolicited(): Promise<void>;
  mine(blocks: number): Promise<void>;
  close(): Promise<void>;
}

/** The most that a channel without option_support_large_channel may have (BOLT 2). */
const DEFAULT_PAYER_CHANNEL_SAT = 16_777_215n;

export async function startNetwork(options: NetworkOptions = {}): Promise<TestNetwork> {
  const chain = options.bitcoind === undefined ? memoryChain() : await bitcoindChain(options.bitcoind);
  const nodes: LdkNode[] = [];
  const stop = async () => {
    for (const each of nodes) await each.stop();
    await chain.close();
  };
  try {
    return await assemble(options, chain, nodes, stop);
  } catch (cause) {
    await stop();
    throw cause;
  }
}

async function assemble(
  options: NetworkOptions,
  chain: TestChain,
  nodes: LdkNode[],
  stop: () => Promise<void>,
): Promise<TestNetwork> {
  const { log } = options;
  const start = async (init: Pick<LdkNodeInit, 'role' | 'toSelfDelayBlocks' | 'minimumDepth' | 'store'>) => {
    const node = await startNode({ chain, log, ...init });
    nodes.push(node);
    return node;
  };
  const lspNode = await start({ role: 'lsp', store: options.lspStore?.bytes });
  const payerNode = await start({ role: 'payer' });
  const walletNode = await start({
    role: 'wallet',
    toSelfDelayBlocks: options.walletToSelfDelayBlocks,
    minimumDepth: options.walletMinimumDepth,
    store: options.walletBytes,
  });
  const port = await lspNode.listen();
  const uri = { nodeId: lspNode.nodeId, host: '127.0.0.1', port };

  await payerNode.dial(uri);
  await until(() => connected(lspNode, payerNode.nodeId) && connected(payerNode, uri.nodeId), 'the payer to connect');
  const capacity = wholeSat(options.payerChannelSat ?? DEFAULT_PAYER_CHANNEL_SAT);
  for (let i = 0; i < (options.payerChannels ?? 1); i++) await openChannel(chain, payerNode, lspNode.nodeId, capacity);

  const adapter = ldkLsp(lspNode, { announced: options.publicChannels ?? false });
  const tamper = options.tamper ?? (options.misbehave && MISBEHAVIOURS[options.misbehave]);
  const node = tamper?.(adapter) ?? adapter;
  const policy = toPolicy(options.policy);
  const service = await lsp({
    node,
    store: options.lspStore ?? memoryStore(),
    policy,
    ...(log ? { log } : {}),
    ...(options.lspClock ? { clock: options.lspClock } : {}),
  });

  return {
    payer: ldkPayer(payerNode),
    lsp: { ...service, uri: formatUri(uri), node },
    wallet: ldkWallet(walletNode),
    chain,
    nodes: { payer: payerNode, lsp: lspNode, wallet: walletNode },
    openUnsolicited: async () => offerUnsolicited(await start({ role: 'lsp' }), walletNode),
    mine: (blocks) => chain.mine(blocks),
    async close() {
      await service.close();
      await stop();
    },
  };
}

const connected = (node: LdkNode, peer: NodeId): boolean => node.connectedPeers.has(peer);

const toPolicy = (policy: Policy | FlatRate | undefined): Policy =>
  policy && 'menu' in policy ? policy : flatRate(policy);
