import type { Clock } from '../ports/clock.ts';

const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 30_000;

const pause = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(ms, resolve);
  });

/**
 * Does a job until it succeeds, with doubling pauses, as long as `wanted` says so; undefined when it is no longer wanted.
 * Each failure is told before the pause.
 */
export async function persist<T>(
  clock: Clock,
  o: { job(): Promise<T>; wanted(): boolean; failed(cause: unknown): void },
): Promise<T | undefined> {
  for (let ms = RETRY_FIRST_MS; o.wanted(); ms = Math.min(2 * ms, RETRY_MAX_MS)) {
    try {
      return await o.job();
    } catch (cause) {
      o.failed(cause);
      await pause(clock, ms);
    }
  }
  return undefined;
}

/** A node that takes longer to answer holds up its purchase no more. */
export const NODE_SECONDS_MAX = 30;

/** The job may still be done, later. */
export class TooLateError extends Error {}

/** Gives a job so many seconds. What it does after that is nobody's business: its caller has gone on. */
export function inTime<T>(clock: Clock, seconds: number, job: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const disarm = clock.after(seconds * 1000, () => reject(new TooLateError(`not done within ${seconds} s`)));
    job().then(resolve, reject).finally(disarm);
  });
}
