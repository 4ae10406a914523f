import type { Stop } from '../ports/abort.ts';
import type { Log } from '../ports/log.ts';

/** Tells what happened; what users hand in may throw, and nothing of ours breaks by it. */
export interface Telling {
  readonly log: Log;
  tell(name: string, told?: unknown): void;
  on<Told>(name: string, f: (told: Told) => void): Stop;
}

export function telling(given: Log | undefined): Telling {
  const listeners = new Map<string, Set<(told: never) => unknown>>();
  const log: Log = (entry) => harmless(() => given?.(entry));
  return {
    log,
    tell(name, told) {
      for (const listener of listeners.get(name) ?? []) {
        harmless(
          () => listener(told as never),
          (cause) => log({ level: 'warn', event: 'client.listener_threw', fields: { cause } }),
        );
      }
    },
    on(name, f) {
      const those = listeners.get(name) ?? new Set();
      listeners.set(name, those.add(f));
      return () => {
        those.delete(f);
        if (those.size === 0 && listeners.get(name) === those) listeners.delete(name);
      };
    },
  };
}

function harmless(f: () => unknown, threw: (cause: string) => void = () => undefined): void {
  try {
    const returned = f();
    if (returned instanceof Promise) returned.catch((cause: unknown) => threw(String(cause)));
  } catch (cause) {
    threw(String(cause));
  }
}
