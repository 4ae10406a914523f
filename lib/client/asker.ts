import { msat } from '../core/amount.ts';
import { systemClock } from '../platform/clock.ts';
import { systemRandom } from '../platform/random.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PeerMessages } from '../ports/peerMessages.ts';
import { type Quoting, quoting } from './ask.ts';
import { type Limits, validateLimits } from './limits.ts';
import { type LspSource, readSources } from './lspSource.ts';
import { requests } from './requests.ts';

export interface AskerInit {
  /** How LSPs are reached: `peers()` of `lsps2/tcp` or `lsps2/websocket`, or any node. */
  readonly peers: PeerMessages;
  /** `nodeid@host:port` or `nodeid@wss://host/path` each, or with a token. */
  readonly lsps: readonly (string | LspSource)[];
  /** By which offers are judged. Without them: none but the LSP's own. */
  readonly limits?: Partial<Limits>;
  /** The `to_self_delay` of the node that would be paid, in blocks. Without it: as if every LSP's limit were met. */
  readonly toSelfDelayBlocks?: number;
  /** How long an LSP may take to answer. Default 60,000. */
  readonly requestTimeoutMs?: number;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Asks LSPs for their price. It buys nothing; a `client` can buy its quotes, when its node has the same key. */
export interface Asker extends Quoting {
  /** What is under way is rejected. The connections are not ours, and stay. */
  close(): void;
}

/** Asks LSPs without a Lightning node. @throws DecodeError on a bad LSP address, RangeError on a bad limit. */
export function asker(init: AskerInit): Asker {
  const { clock = systemClock, random = systemRandom, log = () => undefined } = init;
  const lsps = readSources(init.lsps);
  const limits: Limits = { maxFee: NO_LIMIT, minValiditySeconds: 0, ...init.limits };
  validateLimits(limits);
  const { toSelfDelayBlocks = 0 } = init;
  const asked = requests({ node: init.peers, clock, random, log, timeoutMs: init.requestTimeoutMs });
  const judgedBy = () => ({ limits, toSelfDelayBlocks, now: Math.floor(clock.nowMs() / 1000) });
  return {
    ...quoting({ asked, lsps, judgedBy }),
    close: () => asked.close(),
  };
}

const NO_LIMIT = msat((1n << 64n) - 1n);
