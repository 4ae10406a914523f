import type { Metadata, ServiceError } from '@grpc/grpc-js';
import { NodeError } from '../../core/errors.ts';
import { toNodeError } from './errors.ts';

/** How long a node may take to answer one call. */
const CALL_TIMEOUT_MS = 30_000;

type Unary<Request, Answer> = (
  request: Request,
  metadata: Metadata,
  options: { deadline: number },
  callback: (error: ServiceError | null, answer: Answer) => void,
) => unknown;

/** Calls of one node, as promises. */
export interface Calls {
  /** What the node is called in errors, as `lnd at 127.0.0.1:10009`. */
  readonly where: string;
  /** @throws NodeError */
  call<Request, Answer>(
    name: string,
    method: Unary<Request, Answer>,
    request: Request,
    options?: { readonly timeoutMs?: number },
  ): Promise<Answer>;
}

export const calls = (where: string, metadata: () => Metadata, answerWithinMs = CALL_TIMEOUT_MS): Calls => ({
  where,
  call: (name, method, request, { timeoutMs = answerWithinMs } = {}) =>
    new Promise((resolve, reject) => {
      method(request, metadata(), { deadline: Date.now() + timeoutMs }, (error, answer) => {
        if (error) reject(toNodeError(error, where, name));
        else resolve(answer);
      });
    }),
});

/** A stream that the node fills: one side of it, or both. */
export interface Heard<Item> {
  on(event: 'data', f: (item: Item) => void): unknown;
  on(event: 'error', f: (error: ServiceError) => void): unknown;
  on(event: 'end', f: () => void): unknown;
  cancel(): void;
}

export interface Following {
  /** Resolves when it stands for the first time. @throws NodeError where it will never stand, as for want of a permission */
  readonly begun: Promise<void>;
  /** Resolves when it stands, also after it was cut. @throws NodeError where it does not, in a while or for good */
  ready(): Promise<void>;
  stop(): void;
}

/** A predecessor that has just died needs a moment. */
const TAKEN_MAX = 5;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 10_000;
/** A stream on which nothing went wrong for so long stands: servers do not answer the opening of a stream. */
const STANDS_MS = 300;
/** How long one that was cut is waited for. */
const READY_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 50;

/** For good, as long as nobody changes something there. */
const isRefused = ({ reason }: NodeError): boolean => reason === 'permission' || reason === 'unsupported';

/**
 * Keeps a stream: opens it again when it ends, with a pause that grows. `opened` is called each time before anything is heard,
 * `stands` each time it is known to work, `cut` each time it is lost. What is refused for good (permission, a call that is not there) is not tried again before it ever stood.
 */
export function follow<Item, Stream extends Heard<Item>>(o: {
  readonly name: string;
  readonly where: string;
  open(): Stream;
  opened?(stream: Stream): void;
  stands?(): void;
  /** Whether another program has what only one may have. */
  isTaken?(error: NodeError): boolean;
  /** Whether there is a connection. */
  isUp(): boolean;
  /** Asks the node for anything: on a slow way a stream's refusal comes late, but not later than an answer to what was asked after it. */
  ping?(): Promise<unknown>;
  heard(item: Item, stream: Stream): void;
  cut?(error: NodeError): void;
  /** What was heard could not be read. */
  unread?(cause: unknown): void;
}): Following {
  let stream: Stream | undefined;
  let pause = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let stood = false;
  let isStanding = false;
  let over = false;
  let taken = 0;
  let lastError: NodeError | undefined;
  let settle: { resolve(): void; reject(cause: unknown): void };
  const begun = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  begun.catch(() => undefined);

  function begin(): void {
    let mine: Stream;
    try {
      mine = o.open();
    } catch (cause) {
      // The connection was closed: there is nothing to come back to.
      settle.reject(new NodeError(`${o.where}: the connection was closed`, { cause, reason: 'unreachable' }));
      return;
    }
    stream = mine;
    let ended = false;
    let stands = setTimeout(look, STANDS_MS);
    function again(): void {
      if (!ended && !over) stands = setTimeout(look, STANDS_MS);
    }
    function look(): void {
      if (!o.isUp()) again();
      else if (o.ping) o.ping().then(standing, again);
      else standing();
    }
    function standing(): void {
      if (isStanding || ended || over) return;
      isStanding = true;
      clearTimeout(stands);
      stood = true;
      pause = FIRST_PAUSE_MS;
      settle.resolve();
      o.stands?.();
    }
    const end = (error: NodeError) => {
      if (ended) return;
      ended = true;
      clearTimeout(stands);
      if (over || stream !== mine) return;
      stream = undefined;
      isStanding = false;
      lastError = error;
      o.cut?.(error);
      if (o.isTaken?.(error)) taken++;
      if (!stood && (isRefused(error) || taken >= TAKEN_MAX)) {
        settle.reject(error);
        return;
      }
      timer = setTimeout(begin, pause);
      pause = Math.min(2 * pause, LAST_PAUSE_MS);
    };
    o.opened?.(mine);
    mine.on('data', (item) => {
      if (ended || over) return;
      standing();
      try {
        o.heard(item, mine);
      } catch (cause) {
        // What makes no sense ends nothing.
        o.unread?.(cause);
      }
    });
    mine.on('error', (error) => end(toNodeError(error, o.where, o.name)));
    mine.on('end', () => end(new NodeError(`${o.where} ended the stream ${o.name}`, { reason: 'unreachable' })));
  }
  begin();

  async function ready(): Promise<void> {
    const end = Date.now() + READY_WITHIN_MS;
    const stands = () => isStanding;
    while (!stands()) {
      if (over || Date.now() >= end || (lastError && (isRefused(lastError) || o.isTaken?.(lastError))))
        throw lastError ?? new NodeError(`${o.where}: the stream ${o.name} is not there`, { reason: 'unreachable' });
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  return {
    begun,
    ready,
    stop() {
      over = true;
      isStanding = false;
      clearTimeout(timer);
      stream?.cancel();
      settle.reject(new NodeError(`${o.where}: ${o.name} was stopped`));
    },
  };
}
