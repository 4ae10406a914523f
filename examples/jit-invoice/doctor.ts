import { NodeError } from 'lsps2';
import { clnFiles, clnNode } from 'lsps2/cln';
import { lndFiles, lndNode } from 'lsps2/lnd';
import type { Tell } from './checks.ts';
import { lookAtCln } from './doctorCln.ts';
import { lookAtLnd, MEND_PERMISSION } from './doctorLnd.ts';
import type { DoctorOptions } from './doctorOptions.ts';
import { EXIT, type ExitCode, messageOf } from './exitCode.ts';
import type { Reporter } from './reporter.ts';

/** Looks at a node of the user's as a wallet's node: what it lacks, and how to mend it. Buys nothing. */
export async function doctor({ node }: DoctorOptions, report: Reporter): Promise<ExitCode> {
  let isWell = true;
  const tell: Tell = (check, grade, found, mend = '') => {
    report.tell('checked', { check, grade, found, mend });
    if (grade === 'bad') isWell = false;
  };
  report.waiting(`connecting to your ${node.name}`);
  if (node.name === 'lnd') {
    const lnd = await connect(async () => lndNode(await lndFiles(node)), tell, MEND_LND);
    if (lnd) await withOpen(lnd, `lnd ${lnd.version} on ${lnd.network}`, tell, () => lookAtLnd(lnd, tell));
  } else {
    const cln = await connect(async () => clnNode(await clnFiles(node)), tell, MEND_CLN);
    const name = `Core Lightning ${cln?.version} on ${cln?.network}`;
    if (cln) await withOpen(cln, name, tell, () => lookAtCln(cln, node, tell));
  }
  report.close();
  return isWell ? EXIT.ok : EXIT.other;
}

const MEND_LND: Readonly<Record<string, string>> = {
  unreachable: 'is lnd running, and is --rpc its rpclisten?',
  certificate: 'is --tls-cert the tls.cert of this lnd? It makes a new one when it is gone or has run out',
  permission: MEND_PERMISSION,
  locked: 'lncli unlock',
  starting: 'wait until it is up',
};

const MEND_CLN: Readonly<Record<string, string>> = {
  unreachable: 'is lightningd running, and is --rpc its grpc-host and grpc-port?',
  certificate: 'are the files in --certs those of this lightningd, from its folder of the network?',
};

async function connect<Node>(
  open: () => Promise<Node>,
  tell: Tell,
  mend: Readonly<Record<string, string>>,
): Promise<Node | undefined> {
  try {
    return await open();
  } catch (error) {
    tell('connection', 'bad', messageOf(error), error instanceof NodeError ? mend[error.reason] : undefined);
    return undefined;
  }
}

async function withOpen(
  node: { readonly nodeId: string; close(): void },
  name: string,
  tell: Tell,
  look: () => Promise<void>,
): Promise<void> {
  try {
    tell('connection', 'good', `${name}, ${node.nodeId}`);
    await look();
  } finally {
    node.close();
  }
}
