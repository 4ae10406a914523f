import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../freePort.ts';

/** Where `.ci/run` and `install-bitcoind.sh` put it when the machine has none. */
const BITCOIND_PREFIX = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'lsps2', 'bitcoind');

/**
 * A bitcoind: named by BITCOIND, on the PATH, or installed by our script. Undefined when there is none, and says so: what needs
 * one is then skipped. `.ci/run` installs one.
 */
export function findBitcoind(): string | undefined {
  const found = look();
  if (found === undefined) {
    process.stderr.write(
      'skipped: no bitcoind (BITCOIND, PATH); test/bitcoind/install-bitcoind.sh ~/.cache/lsps2/bitcoind fetches one on Debian\n',
    );
  }
  return found;
}

function look(): string | undefined {
  const onPath = () => {
    try {
      return execFileSync('sh', ['-c', 'command -v bitcoind'], { encoding: 'utf8' }).trim();
    } catch {
      return undefined;
    }
  };
  const candidates = [process.env['BITCOIND'], onPath(), join(BITCOIND_PREFIX, 'bin', 'bitcoind')];
  return candidates.find((path) => path !== undefined && path !== '' && existsSync(path));
}

export interface Bitcoind {
  /** `http://user:password@127.0.0.1:port` */
  readonly url: string;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 30_000;

/** Starts a regtest of its own in a temporary folder. */
export async function startBitcoind(binary: string): Promise<Bitcoind> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'lsps2-bitcoind-'));
  // In the file, not on the command line: Core only warns of a setting there that it does not know (corepolicy is Knots').
  writeFileSync(
    join(folder, 'bitcoin.conf'),
    `regtest=1\ncorepolicy=1\n[regtest]\nserver=1\nlisten=0\nconnect=0\ndnsseed=0\nrpcport=${port}\nfallbackfee=0.00001\nchangetype=bech32\nkeypool=10\nprinttoconsole=0\n`,
  );
  const child = spawn(binary, [`-datadir=${folder}`], { stdio: 'ignore' });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  await ready(child, folder, port);
  const cookie = readFileSync(join(folder, 'regtest', '.cookie'), 'utf8');
  return {
    url: `http://${cookie}@127.0.0.1:${port}`,
    async stop() {
      process.off('exit', kill);
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(child: ChildProcess, folder: string, port: number): Promise<void> {
  const end = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < end && child.exitCode === null) {
    const cookie = join(folder, 'regtest', '.cookie');
    if (existsSync(cookie)) {
      const authorization = `Basic ${Buffer.from(readFileSync(cookie, 'utf8')).toString('base64')}`;
      const body = JSON.stringify({ id: 1, method: 'getblockchaininfo', params: [] });
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        headers: { authorization },
        body,
      }).catch(() => undefined);
      if (answer?.ok) return;
    }
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error('bitcoind did not start');
}
