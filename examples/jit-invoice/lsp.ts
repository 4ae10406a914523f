import { memoryStore } from 'lsps2/memory';
import { ldkLsp, ldkNode } from 'lsps2/ldk';
import { flatRate, lsp } from 'lsps2/lsp';
import type { SqliteStore } from 'lsps2/sqlite';
import { bitcoindChain, memoryChain, type TestChain } from 'lsps2/testing';
import { storeIn } from './dataFolder.ts';
import { EXIT, type ExitCode, messageOf } from './exitCode.ts';
import type { LspOptions } from './lspOptions.ts';
import type { Reporter } from './reporter.ts';
import { tellEvents } from './tellEvents.ts';
import { wsRelay } from './wsRelay.ts';

const STORE_FILE = 'lsp.db';

/** Runs the reference LSP until somebody stops it. */
export async function runLsp(options: LspOptions, report: Reporter): Promise<ExitCode> {
  const open: (() => Promise<void>)[] = [];
  const store = await storeIn(options.data, STORE_FILE);
  const stopped = signalled();
  try {
    report.waiting('starting a Lightning node');
    if (store) open.push(() => store.close());
    const chain = await openChain(options.bitcoind, store);
    open.push(() => chain.close());
    const node = await ldkNode({ role: 'lsp', chain, ...(store ? { store: store.bytes } : {}) });
    open.push(() => node.stop());
    const { trust, minFee, feePpm, token } = options;
    const rate = { trust, minFee, proportionalPpm: feePpm, ...(token === undefined ? {} : { tokens: [token] }) };
    const adapter = await ldkLsp(node);
    const service = await lsp({
      node: adapter,
      store: store ?? memoryStore(),
      policy: flatRate(rate),
      on: (events) => tellEvents(events, report),
    });
    open.push(() => service.close());
    const { host } = options.listen;
    const port = await node.listen(host, options.listen.port);
    const byWebSocket = options.listenWs && (await wsRelay(options.listenWs, { host, port }));
    if (byWebSocket) open.push(() => byWebSocket.close());
    report.tell('listening', {
      uri: `${node.nodeId}@${bracketed(host)}:${port}`,
      ...(options.listenWs && byWebSocket
        ? { ws_uri: `${node.nodeId}@ws://${bracketed(options.listenWs.host)}:${byWebSocket.port}/` }
        : {}),
      height: chain.tip().height,
      chain: options.bitcoind === undefined ? 'a regtest in memory' : 'your bitcoind',
      data: options.data ?? '',
      purchases: service.purchases().length,
    });
    report.waiting('serving; Ctrl-C stops');
    report.tell('stopping', { signal: await stopped });
    return EXIT.ok;
  } finally {
    for (const close of open.reverse()) {
      await close().catch((cause: unknown) => report.tell('failed', { reason: messageOf(cause) }));
    }
    report.close();
  }
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

const openChain = async (bitcoind: string | undefined, store: SqliteStore | undefined): Promise<TestChain> =>
  bitcoind === undefined ? memoryChain(store && { store: store.bytes }) : bitcoindChain(bitcoind, { follow: true });

/** Resolves with the signal that asks this process to stop. A second one ends it at once. */
const signalled = (): Promise<string> =>
  new Promise((resolve) => {
    const signals = ['SIGINT', 'SIGTERM'] as const;
    const hear = (signal: NodeJS.Signals) => {
      for (const each of signals) process.off(each, hear);
      resolve(signal);
    };
    for (const signal of signals) process.on(signal, hear);
  });
