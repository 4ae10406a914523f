import { StoreError } from '../../core/errors.ts';

/** As much of the Web Locks API as we use. */
interface LockManager {
  request(
    name: string,
    options: { readonly ifAvailable?: boolean; readonly signal?: AbortSignal },
    hold: (lock: object | null) => Promise<void>,
  ): Promise<void>;
}

export interface Held {
  readonly mine: boolean;
  /** Resolves when the lock is, or has become, free for us; it is not taken by that. */
  readonly free: Promise<void>;
  release(): void;
}

/** Takes a lock of the origin if nobody has it. The browser frees it when the tab ends, however it ends. */
export async function holdLock(name: string): Promise<Held> {
  const { navigator } = globalThis as { readonly navigator?: { readonly locks?: LockManager } };
  const locks = navigator?.locks;
  if (!locks) throw new StoreError('no_driver', 'this engine has no Web Locks, so two tabs could write at once');
  let release = () => undefined as void;
  const held = new Promise<void>((resolve) => (release = resolve));
  const mine = await new Promise<boolean>((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, async (lock) => {
        resolve(lock !== null);
        if (lock !== null) await held;
      })
      .catch(reject);
  });
  if (mine) return { mine, free: Promise.resolve(), release };
  const waiting = new AbortController();
  const free = new Promise<void>((resolve) => {
    locks.request(name, { signal: waiting.signal }, async () => resolve()).catch(() => undefined);
  });
  return { mine, free, release: () => waiting.abort() };
}
