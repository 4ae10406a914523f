import type { Stop } from './abort.ts';

/** Time. Everything that waits, waits by this port, so that a test can turn the hands. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Calls `f` once after at least that many milliseconds, unless stopped. */
  after(delayMs: number, f: () => void): Stop;
}

/** Cryptographically secure random bytes. Throws rather than return weak ones. */
export type Random = (length: number) => Uint8Array;
