import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { LspNode } from '../ports/lspNode.ts';
import type { Store } from '../ports/store.ts';
import type { Rules } from '../session/data.ts';
import type { LspEvents } from './events.ts';
import type { Policy } from './policy.ts';

/** What every purchase's actor works with. */
export interface Context {
  readonly node: LspNode;
  readonly store: Store;
  readonly policy: Policy;
  readonly rules: Rules;
  readonly clock: Clock;
  readonly log: Log;
  /** Coin selection, one funding transaction at a time over all purchases. */
  readonly funding: <T>(job: () => Promise<T>) => Promise<T>;
  /** Parts that are on their way back: a node may tell of them once more. */
  readonly givingBack: Set<string>;
  /** False once the LSP is closing: nothing is retried any more. */
  running(): boolean;
  emit<Name extends keyof LspEvents>(name: Name, event: LspEvents[Name]): void;
}
