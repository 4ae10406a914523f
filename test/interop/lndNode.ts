import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { lndFiles, type LndCredentials } from 'lsps2/lnd';
import { freePort } from '../freePort.ts';

/** An lnd: named by LND, on the PATH, or built by our script. Undefined when there is none. */
export function findLnd(): string | undefined {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const onPath = () => {
    try {
      return execFileSync('sh', ['-c', 'command -v lnd'], { encoding: 'utf8' }).trim();
    } catch {
      return undefined;
    }
  };
  const candidates = [process.env['LND'], onPath(), join(cache, 'lsps2', 'interop', 'lnd', 'lnd')];
  return candidates.find((path) => path !== undefined && path !== '' && existsSync(path));
}

/** An lnd on regtest, in a process and a folder of its own. */
export interface LndNode {
  readonly credentials: LndCredentials;
  readonly files: { readonly certificateFile: string; readonly macaroonFile: string };
  readonly folder: string;
  readonly peerPort: number;
  /** Ends it without a word; the folder stays. */
  kill(): Promise<void>;
  /** Starts it again on its folder. Resolves when it answers. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What lncli says, which lies beside lnd. */
  cli(...args: readonly string[]): Promise<string>;
  /** What it wrote last. */
  words(): string;
}

const READY = /Auto peer bootstrapping is disabled|Started listening|Chain backend is fully synced/;
const LOCKED = /Waiting for wallet encryption password/;
const run = promisify(execFile);
const READY_TIMEOUT_MS = 60_000;

export async function startLnd(
  binary: string,
  o: {
    readonly bitcoind: string;
    readonly more?: readonly string[];
    /** Default true. */
    readonly zeroConf?: boolean;
    /** Waits for a password that nobody has. */
    readonly locked?: boolean;
  },
): Promise<LndNode> {
  const folder = mkdtempSync(join(tmpdir(), 'lsps2-lnd-'));
  const [grpcPort, peerPort] = [await freePort(), await freePort()];
  const { host, username, password } = new URL(o.bitcoind);
  const address = `127.0.0.1:${grpcPort}`;
  const given = [
    `--lnddir=${folder}`,
    ...(o.locked ? [] : ['--noseedbackup']),
    '--bitcoin.regtest',
    '--bitcoin.node=bitcoind',
    `--bitcoind.rpchost=${host}`,
    `--bitcoind.rpcuser=${username}`,
    `--bitcoind.rpcpass=${decodeURIComponent(password)}`,
    '--bitcoind.rpcpolling',
    '--bitcoind.blockpollinginterval=200ms',
    '--bitcoind.txpollinginterval=200ms',
    `--rpclisten=${address}`,
    `--listen=127.0.0.1:${peerPort}`,
    '--norest',
    '--nobootstrap',
    ...(o.zeroConf === false ? [] : ['--protocol.option-scid-alias', '--protocol.zero-conf']),
    ...(o.more ?? []),
  ];
  let child: ChildProcess | undefined;
  let words = '';
  const hear = (data: unknown) => {
    words = `${words}${String(data)}`.slice(-20_000);
  };
  const killAtExit = () => child?.kill('SIGKILL');
  process.once('exit', killAtExit);
  const files = {
    address,
    certificateFile: join(folder, 'tls.cert'),
    macaroonFile: join(folder, 'data', 'chain', 'bitcoin', 'regtest', 'admin.macaroon'),
  };

  async function start(): Promise<void> {
    const mine = spawn(binary, given, { stdio: 'pipe' });
    child = mine;
    mine.stdout.on('data', hear);
    mine.stderr.on('data', hear);
    const late = Date.now() + READY_TIMEOUT_MS;
    words = '';
    while (Date.now() < late && mine.exitCode === null) {
      if (o.locked ? LOCKED.test(words) : READY.test(words) && existsSync(files.macaroonFile)) return;
      await sleep(50);
    }
    throw new Error(`lnd did not start: ${words.slice(-2_000)}`);
  }
  async function end(signal: NodeJS.Signals): Promise<void> {
    const mine = child;
    if (!mine || mine.exitCode !== null || mine.signalCode !== null) return;
    const gone = new Promise((resolve) => mine.once('exit', resolve));
    mine.kill(signal);
    await gone;
  }

  await start();
  return {
    credentials: o.locked
      ? { address, certificate: readFileSync(files.certificateFile, 'utf8'), macaroon: '00' }
      : await lndFiles(files),
    files,
    folder,
    peerPort,
    kill: () => end('SIGKILL'),
    start,
    async stop() {
      await end('SIGKILL');
      process.off('exit', killAtExit);
      rmSync(folder, { recursive: true, force: true });
    },
    async cli(...args) {
      const lncli = join(dirname(binary), 'lncli');
      const { stdout } = await run(lncli, [
        `--lnddir=${folder}`,
        '--network=regtest',
        `--rpcserver=${address}`,
        ...args,
      ]);
      return stdout.trim();
    },
    words: () => words,
  };
}
