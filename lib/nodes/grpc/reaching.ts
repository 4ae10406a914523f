import { NodeError, TransportError } from '../../core/errors.ts';
import type { Abortable } from '../../ports/abort.ts';

// How peers are reached through a node of its own.

/** Gives up waiting when the caller does. */
export function orAborted(job: Promise<void>, signal: Abortable['signal']): Promise<void> {
  if (!signal) return job;
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    const end = () => signal.removeEventListener('abort', aborted);
    signal.addEventListener('abort', aborted);
    if (signal.aborted) aborted();
    job.then(resolve, reject).finally(end);
  });
}

/** What the node could not do at a peer is the peer's; what it did not let us do is our own node's. */
export function toTransport(cause: unknown): unknown {
  if (!(cause instanceof NodeError) || cause.reason === 'permission' || cause.reason === 'locked') return cause;
  const reason = cause.reason === 'timeout' ? 'timeout' : 'offline';
  return new TransportError(reason, `the peer cannot be reached: ${cause.message}`, { cause });
}
