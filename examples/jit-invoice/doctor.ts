import { NodeError } from 'lsps2';
import { type Lnd, lndFiles, lndNode, lndWallet } from 'lsps2/lnd';
import { memoryStore } from 'lsps2/memory';
import type { DoctorOptions } from './doctorOptions.ts';
import { EXIT, type ExitCode, messageOf } from './exitCode.ts';
import type { Reporter } from './reporter.ts';

/** How bad it is: `bad` keeps a wallet from being paid, `risk` may cost something, `unknown` cannot be seen from here. */
type Grade = 'good' | 'risk' | 'bad' | 'unknown';

/** Since then lnd refuses what is smaller than its onion says; the phantom hop was proven on the later one. */
const LEAST_VERSION = [0, 18, 5];

/** Looks at an lnd as a wallet's node: what it lacks, and how to mend it. Buys nothing. */
export async function doctor(options: DoctorOptions, report: Reporter): Promise<ExitCode> {
  let isWell = true;
  const tell = (check: string, grade: Grade, found: string, mend = '') => {
    report.tell('checked', { check, grade, found, mend });
    if (grade === 'bad') isWell = false;
  };
  report.waiting('connecting to your lnd');
  const lnd = await connect(options, tell);
  if (lnd) {
    try {
      await look(lnd, tell);
    } finally {
      lnd.close();
    }
  }
  report.close();
  return isWell ? EXIT.ok : EXIT.other;
}

type Tell = (check: string, grade: Grade, found: string, mend?: string) => void;

const MEND: Readonly<Record<string, string>> = {
  unreachable: 'is lnd running, and is --rpc its rpclisten?',
  certificate: 'is --tls-cert the tls.cert of this lnd? It makes a new one when it is gone or has run out',
  permission: 'docs/lnd.md bakes the macaroon that is needed',
  locked: 'lncli unlock',
  starting: 'wait until it is up',
};

async function connect({ node }: DoctorOptions, tell: Tell): Promise<Lnd | undefined> {
  try {
    const lnd = await lndNode(await lndFiles(node));
    tell('connection', 'good', `lnd ${lnd.version} on ${lnd.network}, ${lnd.nodeId}`);
    return lnd;
  } catch (error) {
    tell('connection', 'bad', messageOf(error), error instanceof NodeError ? MEND[error.reason] : undefined);
    return undefined;
  }
}

async function look(lnd: Lnd, tell: Tell): Promise<void> {
  tell('version', isLate(lnd.version) ? 'good' : 'bad', lnd.version, 'lnd 0.18.5 or later; 0.21.2 is proven');
  tell(
    'synced',
    lnd.syncedToChain ? 'good' : 'bad',
    lnd.syncedToChain ? 'to the chain' : 'not yet to the chain',
    'wait until it is',
  );
  tell(
    'zero-conf',
    lnd.zeroConf ? 'good' : 'bad',
    lnd.zeroConf ? 'let in' : 'not let in',
    'protocol.option-scid-alias=true and protocol.zero-conf=true in lnd.conf, and start it again',
  );
  tell(
    'requireinterceptor',
    lnd.requiresInterceptor ? 'good' : 'risk',
    lnd.requiresInterceptor ? 'on' : 'off: what is held is let go when the wallet’s program is away',
    'requireinterceptor=true in lnd.conf, where the node routes for nobody else',
  );
  if (lnd.zeroConf) await tryOut(lnd, tell);
  const unseen = 'lnd tells neither over gRPC';
  tell(
    'minchansize',
    'unknown',
    unseen,
    'at most what an LSP opens for your smallest payment (lnd’s default is 20,000 sat)',
  );
  tell('maxpendingchannels', 'unknown', unseen, '1, the default, lets in one channel of an LSP at a time');
}

/** Does what a wallet does when it starts: each stream, each call that only reads. */
async function tryOut(lnd: Lnd, tell: Tell): Promise<void> {
  try {
    const wallet = await lndWallet(lnd, { store: memoryStore() });
    tell('permissions', 'good', 'all that can be tried without buying');
    tell('to_self_delay', 'good', `${wallet.toSelfDelayBlocks} blocks are asked of LSPs`);
    wallet.close();
  } catch (error) {
    const taken = error instanceof NodeError && error.detail.includes('already exists');
    const mend = taken ? 'another program intercepts HTLCs: there can be only one' : MEND['permission'];
    tell('permissions', 'bad', messageOf(error), mend);
  }
}

function isLate(version: string): boolean {
  const numbers = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number) ?? [];
  const first = LEAST_VERSION.findIndex((least, i) => (numbers[i] ?? 0) !== least);
  return first < 0 || (numbers[first] ?? 0) > (LEAST_VERSION[first] ?? 0);
}
