import type { Clock } from '../ports/clock.ts';

// The timers that browsers, React Native, Bun, Deno and Node share. Their types differ, so neither DOM nor Node is asked.
interface Timers {
  setTimeout(f: () => void, delayMs: number): { unref?(): void } | number;
  clearTimeout(timer: unknown): void;
}

/** Looked up each time: a test may have put its own in their place. */
const platform = <Name extends keyof Timers>(name: Name): Timers[Name] => Reflect.get(globalThis, name) as Timers[Name];

/** setTimeout fires at once beyond this. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The platform's own clock. Its timers do not keep a Node process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, f) {
    const timer = platform('setTimeout')(f, Math.min(Math.max(delayMs, 0), TIMEOUT_MS_MAX));
    if (typeof timer === 'object') timer.unref?.();
    return () => platform('clearTimeout')(timer);
  },
};
