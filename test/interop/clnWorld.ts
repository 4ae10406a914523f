import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Limits, WalletNode } from 'lsps2';
import { clnFiles, clnNode, clnStore, clnWallet, type Lightningd } from 'lsps2/cln';
import { network, type NetworkOptions, type TestNetwork } from 'lsps2/testing';
import { onTestFinished } from 'vitest';
import type { Log } from '../../lib/ports/log.ts';
import { type ClnNode, findLightningd, startCln } from './clnNode.ts';
import { type Proxy, startProxy } from './proxy.ts';
import { type Program, walletProgram } from './walletProgram.ts';

const BUILT = fileURLToPath(new URL('../../dist/cln-plugin/main.js', import.meta.url));

/** Our plugin, as npm installs it: a link of its name. */
export function installedPlugin(atEnd: (f: () => void) => void = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'lsps2-bin-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'lsps2-cln-plugin');
  symlinkSync(BUILT, path);
  return path;
}

/** A network of our LSP and payer, whose wallet is a lightningd. */
export interface ClnWorld {
  readonly net: TestNetwork;
  readonly cln: ClnNode;
  /** The plugin's file. */
  readonly plugin: string;
  /** Between the program and its lightningd. */
  readonly proxy: Proxy;
  /** The wallet's program: a client over gRPC. */
  start(limits?: Partial<Limits>, log?: Log): Promise<Program<Lightningd, WalletNode>>;
}

export async function clnWorld(
  bitcoind: string,
  o: { readonly network?: NetworkOptions; readonly cln?: readonly string[] } = {},
): Promise<ClnWorld> {
  const net = await network({ bitcoind, payerChannels: 3, payerChannelSat: 2_000_000n, ...o.network });
  onTestFinished(() => net.close());
  return { net, ...(await clnWithPlugin(bitcoind, { lsp: net.lsp.uri, cln: o.cln ?? [] })) };
}

/** A lightningd with our plugin, for purchases at an LSP. */
export async function clnWithPlugin(
  bitcoind: string,
  o: { readonly lsp: string; readonly cln?: readonly string[] },
): Promise<Omit<ClnWorld, 'net'>> {
  const plugin = installedPlugin();
  const more = [`--plugin=${plugin}`, ...(o.cln ?? [])];
  const cln = await startCln(findLightningd()!, { bitcoind, role: 'wallet', more });
  onTestFinished(() => cln.stop());
  const proxy = await startProxy(cln.address);
  onTestFinished(() => proxy.close());
  return {
    cln,
    plugin,
    proxy,
    async start(limits = {}, log) {
      const credentials = await clnFiles({ address: proxy.address, folder: cln.folder });
      const node = await clnNode(credentials, log ? { log } : {});
      const store = clnStore(node);
      const wallet = await clnWallet(node, { store });
      const close = () => {
        store.close();
        node.close();
      };
      return walletProgram({ node, wallet, store, lsp: o.lsp, limits, log, close });
    },
  };
}
