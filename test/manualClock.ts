import type { Clock } from '../lib/ports/clock.ts';

/** A clock whose hands a test turns. */
export interface ManualClock extends Clock {
  /** Lets time pass and every timer that falls due ring, in order. */
  pass(ms: number): Promise<void>;
}

export function manualClock(startMs = 1_800_000_000_000): ManualClock {
  let now = startMs;
  let count = 0;
  const timers = new Map<number, { at: number; ring: () => void }>();
  return {
    nowMs: () => now,
    after(delayMs, ring) {
      const id = count++;
      timers.set(id, { at: now + delayMs, ring });
      return () => void timers.delete(id);
    },
    async pass(ms) {
      const end = now + ms;
      for (;;) {
        await settled();
        const [id, next] =
          [...timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0] ?? [];
        if (id === undefined || next === undefined) break;
        timers.delete(id);
        now = Math.max(now, next.at);
        next.ring();
      }
      now = end;
      await settled();
    },
  };
}

/** Lets everything that is already under way finish. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

/** A macrotask without a delay: browsers have no setImmediate. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(0);
  });
