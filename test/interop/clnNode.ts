import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findBitcoind } from '../bitcoind/bitcoind.ts';
import { freePort } from '../freePort.ts';

/** A lightningd with its LSPS2 plugins: named by LIGHTNINGD, or on the PATH. Undefined when there is none. */
export function findLightningd(): string | undefined {
  const onPath = () => {
    try {
      return execFileSync('sh', ['-c', 'command -v lightningd'], { encoding: 'utf8' }).trim();
    } catch {
      return undefined;
    }
  };
  const candidates = [process.env['LIGHTNINGD'], onPath()];
  return candidates.find(
    (path) => path !== undefined && existsSync(path) && existsSync(pluginOf(path, 'cln-lsps-service')),
  );
}

const pluginOf = (lightningd: string, name: string): string =>
  join(dirname(lightningd), '..', 'libexec', 'c-lightning', 'plugins', name);

/** An LSP's plugin to use instead of lightningd's own, as that of PR 8948. */
const otherService = process.env['CLN_LSPS_SERVICE'];
/** Whether the LSP is that of PR 8948, which has states, parts and withheld funding. */
export const isPr8948 = otherService !== undefined;

export interface ClnNode {
  readonly nodeId: string;
  readonly version: string;
  readonly uri: string;
  /** @throws with lightningd's own words. */
  rpc<T = Record<string, unknown>>(method: string, fields?: Readonly<Record<string, unknown>>): Promise<T>;
  /** What is its own in channels, in millisatoshi. */
  ours(): Promise<bigint>;
  /** Of its gRPC, in the role of a wallet. */
  readonly address: string;
  /** Where its certificates lie. */
  readonly folder: string;
  pid(): number | undefined;
  /** Ends it without a word. */
  kill(): Promise<void>;
  /** Ends it as its user would. */
  halt(): Promise<void>;
  /** Starts it again on its folder. */
  start(): Promise<void>;
  /** What it wrote last. */
  words(): string;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const run = promisify(execFile);

export async function startCln(
  lightningd: string,
  o: { readonly bitcoind: string; readonly role: 'lsp' | 'client' | 'wallet'; readonly more?: readonly string[] },
): Promise<ClnNode> {
  const folder = mkdtempSync(join(tmpdir(), 'lsps2-cln-'));
  const [port, grpcPort] = [await freePort(), await freePort()];
  const { port: rpcPort, username, password } = new URL(o.bitcoind);
  const log = join(folder, 'log');
  const policy = fileURLToPath(new URL('clnPolicy.mjs', import.meta.url));
  const service = [
    '--experimental-lsps2-service',
    `--experimental-lsps2-promise-secret=${'5c'.repeat(32)}`,
    `--plugin=${policy}`,
    // Where a part bears no fee of the LSP, the node's own may not be missing either.
    '--fee-base=0',
    '--fee-per-satoshi=0',
    ...(otherService
      ? [`--disable-plugin=${pluginOf(lightningd, 'cln-lsps-service')}`, `--plugin=${otherService}`]
      : []),
  ];
  const given = [
    '--network=regtest',
    `--lightning-dir=${folder}`,
    `--bitcoin-cli=${join(dirname(findBitcoind()!), 'bitcoin-cli')}`,
    '--bitcoin-rpcconnect=127.0.0.1',
    `--bitcoin-rpcport=${rpcPort}`,
    `--bitcoin-rpcuser=${username}`,
    `--bitcoin-rpcpassword=${decodeURIComponent(password)}`,
    `--addr=127.0.0.1:${port}`,
    '--developer',
    '--dev-fast-gossip',
    '--dev-bitcoind-poll=1',
    '--dev-fast-reconnect',
    ...['clnrest', 'wss-proxy', 'cln-currencyrate', 'cln-bip353'].map((name) => `--disable-plugin=${name}`),
    ...(o.role === 'wallet' ? [`--grpc-port=${grpcPort}`] : ['--disable-plugin=cln-grpc']),
    ...(o.role === 'lsp' ? service : o.role === 'client' ? ['--experimental-lsps-client'] : []),
    ...(o.more ?? []),
    '--log-level=debug',
    `--log-file=${log}`,
  ];
  let child: ChildProcess | undefined;
  const killAtExit = () => child?.kill('SIGKILL');
  process.once('exit', killAtExit);
  const rpc: ClnNode['rpc'] = async (method, fields = {}) => {
    const args = Object.entries(fields).map(
      ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
    const cli = join(dirname(lightningd), 'lightning-cli');
    const asked = ['--network=regtest', `--lightning-dir=${folder}`, '-k', method, ...args];
    const { stdout } = await run(cli, asked).catch((cause: { stdout?: string }) => {
      throw new Error(`${method}: ${cause.stdout}`, { cause });
    });
    return JSON.parse(stdout) as never;
  };
  async function start() {
    const mine = spawn(lightningd, given, { stdio: 'ignore' });
    child = mine;
    return ready(
      () => rpc<{ id: string; version: string }>('getinfo'),
      () => words(log),
      () => mine.exitCode !== null,
    );
  }
  async function end(ask: (mine: ChildProcess) => unknown): Promise<void> {
    const mine = child;
    if (!mine || mine.exitCode !== null || mine.signalCode !== null) return;
    const gone = new Promise((resolve) => mine.once('exit', resolve));
    await ask(mine);
    await gone;
  }
  const halt = () => end((mine) => rpc('stop').catch(() => mine.kill('SIGKILL')));
  const info = await start();
  return {
    nodeId: info.id,
    version: info.version,
    uri: `${info.id}@127.0.0.1:${port}`,
    address: `127.0.0.1:${grpcPort}`,
    folder: join(folder, 'regtest'),
    rpc,
    async ours() {
      const { channels } = await rpc<{ channels: { to_us_msat?: number; state: string }[] }>('listpeerchannels');
      return channels.reduce((sum, each) => sum + BigInt(each.to_us_msat ?? 0), 0n);
    },
    pid: () => child?.pid,
    kill: () => end((mine) => mine.kill('SIGKILL')),
    halt,
    start: async () => void (await start()),
    words: () => words(log),
    async stop() {
      // Politely, so that its plugins end, too.
      await halt();
      process.off('exit', killAtExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready<T>(ask: () => Promise<T>, said: () => string, isOver: () => boolean): Promise<T> {
  const late = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    if (Date.now() > late || isOver()) throw new Error(`lightningd did not start: ${said()}`);
    await sleep(100);
  }
}

const words = (log: string): string => (existsSync(log) ? readFileSync(log, 'utf8').slice(-2_000) : '');
