import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../../lib/testing/until.ts';
import { freePort } from '../freePort.ts';

/** The Rust program, named by LDK_PEER or built by our script. Undefined when there is none. */
export function findLdkPeer(): string | undefined {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const candidates = [process.env['LDK_PEER'], join(cache, 'lsps2', 'interop', 'debug', 'ldk-peer')];
  return candidates.find((path) => path !== undefined && path !== '' && existsSync(path));
}

export interface LdkPeerInit {
  /** `http://user:password@127.0.0.1:port` */
  readonly bitcoind: string;
  readonly lsp?: {
    readonly fee_ppm: number;
    readonly min_fee_msat: number;
    readonly over_provisioning_ppm: number;
    readonly min_payment_size_msat: number;
    readonly max_payment_size_msat: number;
    readonly client_trusts_lsp: boolean;
    readonly token?: string;
  };
  /** The LSP that it buys from. */
  readonly source?: { readonly node_id: string; readonly address: string; readonly token?: string };
}

interface Told {
  readonly event: string;
  readonly [field: string]: string;
}

interface Channel {
  readonly peer: string;
  readonly sats: number;
  readonly ours_msat: string;
  readonly usable: boolean;
}

/** A node of `ldk-node` in a process of its own. */
export interface LdkPeer {
  readonly nodeId: string;
  readonly port: number;
  readonly uri: string;
  /** Everything it has told. */
  readonly events: readonly Told[];
  /** @throws with LDK's own words. */
  run<T = unknown>(command: string, fields?: object): Promise<T>;
  balance(): Promise<{ readonly onchain_sats: number; readonly channels: readonly Channel[] }>;
  /** What is its own in channels, in millisatoshi. */
  ours(): Promise<bigint>;
  /** Resolves with the first event, from now on or before, that fits. */
  told(event: string, fits?: (told: Told) => boolean): Promise<Told>;
  stop(): Promise<void>;
}

export async function startLdkPeer(binary: string, init: LdkPeerInit): Promise<LdkPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'lsps2-ldk-peer-'));
  const port = await freePort();
  const child: ChildProcessWithoutNullStreams = spawn(binary, { stdio: 'pipe' });
  child.stdin.on('error', () => undefined);
  const events: Told[] = [];
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let words = '';
  child.stderr.on('data', (data) => {
    words = `${words}${String(data)}`.slice(-2_000);
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as { id?: number; ok?: unknown; error?: string } & Told;
    if (line.id === undefined) events.push(line);
    else if (line.error === undefined) waiting.get(line.id)?.resolve(line.ok);
    else waiting.get(line.id)?.reject(new Error(line.error));
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void gone.then(() => {
    for (const each of waiting.values()) each.reject(new Error(`ldk-peer has ended: ${words}`));
  });

  let count = 0;
  const send = <T>(fields: object): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const id = count++;
      waiting.set(id, { resolve, reject });
      child.stdin.write(`${JSON.stringify({ id, ...fields })}\n`);
    });

  const { hostname: host, port: rpcPort, username, password } = new URL(init.bitcoind);
  const bitcoind = { host, port: Number(rpcPort), user: username, password: decodeURIComponent(password) };
  const { node_id: nodeId } = await send<{ node_id: string }>({
    folder,
    listen: `127.0.0.1:${port}`,
    ...init,
    bitcoind,
  });
  const peer: LdkPeer = {
    nodeId,
    port,
    uri: `${nodeId}@127.0.0.1:${port}`,
    events,
    run: (command, fields = {}) => send({ do: command, ...fields }),
    balance: () => send({ do: 'balance' }),
    async ours() {
      const { channels } = await peer.balance();
      return channels.reduce((sum, each) => sum + BigInt(each.ours_msat), 0n);
    },
    async told(event, fits = () => true) {
      const find = () => events.find((each) => each.event === event && fits(each));
      await until(
        () => find() !== undefined,
        () => `ldk-peer to tell "${event}"; it told ${JSON.stringify(events.slice(-5))}`,
      );
      return find() as Told;
    },
    async stop() {
      child.stdin.end();
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await gone;
      clearTimeout(late);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return peer;
}

const STOP_TIMEOUT_MS = 10_000;
