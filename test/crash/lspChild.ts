import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { NodeId, PeerUri } from '../../lib/core/ids.ts';
import type { Purchase } from '../../lib/session/purchase.ts';
import type { TestChain } from '../../lib/testing/chain/chain.ts';
import type { FlatRate } from 'lsps2/lsp';

/** The points at which the LSP may die: saves of its records, effects on its node, commits of the node itself. */
export type PointKind = 'save' | 'effect' | 'commit';

export interface Report {
  readonly purchases: readonly (readonly [string, Purchase])[];
  /** HTLCs of its payers that the LSP has not answered. */
  readonly pending: number;
  readonly passed: readonly string[];
  readonly troubles: readonly string[];
}

/** Unlike `once` of node:events it does not reject on `error`, which is what a message to a dying process becomes. */
const ended = (child: ChildProcess, event: 'exit' | 'disconnect') =>
  new Promise<void>((resolve) => child.once(event, () => resolve()));

/** An LSP that lives in a process of its own, and can be killed and started again on the same data. */
export interface LspChild {
  uri(): PeerUri;
  start(): Promise<void>;
  /** Kills itself at the n-th point from now on; never, if it is infinite. */
  arm(at: number): Promise<void>;
  /** Resolves with the name of the point at which it died; undefined when it ended in another way. */
  died(): Promise<string | undefined>;
  isUp(): boolean;
  report(): Promise<Report>;
  kill(): Promise<void>;
}

interface Message {
  readonly tag: string;
  readonly [field: string]: unknown;
}

export function lspChild(
  chain: TestChain,
  path: string,
  options: FlatRate & { readonly kinds: readonly PointKind[] },
): LspChild {
  let child: ChildProcess | undefined;
  let uri: PeerUri | undefined;
  let point: string | undefined;
  /** Before it is up it hears nothing. */
  let up = false;
  const stopBlocks = chain.onBlock(
    (block) => child?.connected && child.send({ tag: 'block', block, tip: chain.tip() }),
  );
  void stopBlocks;

  const answer = async ({ id, method, args }: Message) => {
    const call = Reflect.get(chain, method as string) as (...args: readonly unknown[]) => Promise<unknown>;
    const reply = await call(...(args as unknown[])).then(
      (value) => ({ value }),
      (error: unknown) => ({ error: String(error) }),
    );
    if (child?.connected) child.send({ tag: 'answer', id, ...reply });
  };

  const told = (tag: string): Promise<Message> =>
    new Promise((resolve, reject) => {
      if (child?.exitCode !== null || child.signalCode !== null) {
        reject(new Error('the LSP is down'));
        return;
      }
      const on = (message: Message) => {
        if (message.tag !== tag) return;
        child?.off('message', on);
        resolve(message);
      };
      child?.on('message', on);
      child?.once('exit', (code, signal) =>
        reject(new Error(`the LSP ended (${code ?? signal}) before it told ${tag}`)),
      );
    });

  return {
    uri() {
      if (!uri) throw new Error('the LSP was never up');
      return uri;
    },
    async start() {
      const script = fileURLToPath(new URL('lspProcess.mjs', import.meta.url));
      const born = fork(script, [path, String(uri?.port ?? 0)], { serialization: 'advanced' });
      born.setMaxListeners(0);
      // A message that came too late for it: its end is told by `exit`.
      born.on('error', () => undefined);
      child = born;
      born.on('message', (message: Message) => {
        if (message.tag === 'ask') void answer(message);
        if (message.tag === 'dying') {
          up = false;
          point = message['point'] as string;
        }
      });
      up = false;
      const isUp = told('up');
      born.send({ tag: 'tip', tip: chain.tip(), options });
      const { nodeId, port } = await isUp;
      up = true;
      uri = { nodeId: nodeId as NodeId, host: '127.0.0.1', port: port as number };
    },
    async arm(at) {
      point = undefined;
      const armed = told('armed');
      child?.send({ tag: 'arm', at });
      await armed;
    },
    isUp: () => up && child?.exitCode === null && child.signalCode === null,
    async died() {
      const mine = child;
      if (mine && mine.exitCode === null && mine.signalCode === null) await ended(mine, 'exit');
      // Its last words may come after its end.
      if (mine?.connected) await ended(mine, 'disconnect');
      return point;
    },
    async report() {
      if (!up) throw new Error('the LSP is not up yet');
      const report = told('report');
      child?.send({ tag: 'report' });
      return (await report) as unknown as Report;
    },
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      up = false;
      const exit = ended(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
