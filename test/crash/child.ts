import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestChain } from '../../lib/testing/chain/chain.ts';

interface Message {
  readonly tag: string;
  readonly [field: string]: unknown;
}

/** A process under test that can be killed and started again on the same data; its chain is ours. */
export interface Child {
  /** Resolves with its `up` message. */
  start(args: readonly string[], options: object): Promise<Message>;
  /** Kills itself at the n-th point from now on; never, if it is infinite. */
  arm(at: number): Promise<void>;
  /** Resolves with the name of the point at which it died; undefined when it ended in another way. */
  died(): Promise<string | undefined>;
  isUp(): boolean;
  /** Sends a message and resolves with the answer of that tag. */
  ask(tag: string, more?: object): Promise<Message>;
  kill(): Promise<void>;
}

/** Unlike `once` of node:events it does not reject on `error`, which is what a message to a dying process becomes. */
const ended = (child: ChildProcess, event: 'exit' | 'disconnect') =>
  new Promise<void>((resolve) => child.once(event, () => resolve()));

export function childOf(script: string, chain: TestChain): Child {
  let child: ChildProcess | undefined;
  let point: string | undefined;
  /** Before it is up it hears nothing. */
  let up = false;
  const isAlive = () => child?.exitCode === null && child.signalCode === null;
  const stopBlocks = chain.onBlock(
    (block) => child?.connected && child.send({ tag: 'block', block, tip: chain.tip() }),
  );
  void stopBlocks;

  async function answer({ id, method, args }: Message): Promise<void> {
    const call = Reflect.get(chain, method as string) as (...args: readonly unknown[]) => Promise<unknown>;
    const reply = await call(...(args as unknown[])).then(
      (value) => ({ value }),
      (error: unknown) => ({ error: String(error) }),
    );
    if (child?.connected) child.send({ tag: 'answer', id, ...reply });
  }

  const told = (tag: string): Promise<Message> =>
    new Promise((resolve, reject) => {
      const mine = child;
      if (!mine || !isAlive()) {
        reject(new Error('the process is down'));
        return;
      }
      const end = (settle: () => void) => {
        mine.off('message', on);
        mine.off('exit', gone);
        settle();
      };
      const on = (message: Message) => message.tag === tag && end(() => resolve(message));
      const gone = (code: number | null, signal: string | null) =>
        end(() => reject(new Error(`the process ended (${code ?? signal}) before it told ${tag}`)));
      mine.on('message', on);
      mine.once('exit', gone);
    });

  return {
    async start(args, options) {
      const born = fork(fileURLToPath(new URL(script, import.meta.url)), [...args], { serialization: 'advanced' });
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
      point = undefined;
      const isUp = told('up');
      born.send({ tag: 'tip', tip: chain.tip(), options });
      const message = await isUp;
      up = true;
      return message;
    },
    async arm(at) {
      // What has said that it dies has no other point to name: its death is told by `died`.
      if (!up) throw new Error('the process is dying');
      const armed = told('armed');
      child?.send({ tag: 'arm', at });
      await armed;
    },
    isUp: () => up && isAlive(),
    async died() {
      const mine = child;
      if (mine && isAlive()) await ended(mine, 'exit');
      // Its last words may come after its end.
      if (mine?.connected) await ended(mine, 'disconnect');
      return point;
    },
    async ask(tag, more = {}) {
      if (!up) throw new Error('the process is not up yet');
      const said = told(tag);
      child?.send({ tag, ...more });
      return said;
    },
    async kill() {
      if (!child || !isAlive()) return;
      up = false;
      const exit = ended(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
