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
  /** Resolves when it is anybody's. */
  release(): Promise<void>;
}

/** Takes a lock of the origin if nobody has it. The browser frees it when the tab ends, however it ends. */
export async function holdLock(name: string): Promise<Held> {
  const { navigator } = globalThis as { readonly navigator?: { readonly locks?: LockManager } };
  const locks = navigator?.locks;
  if (!locks) throw new StoreError('no_driver', 'this engine has no Web Locks, so two tabs could write at once');
  let release = () => undefined as void;
  const held = new Promise<void>((resolve) => (release = resolve));
  let over = Promise.resolve();
  const mine = await new Promise<boolean>((resolve, reject) => {
    over = locks.request(name, { ifAvailable: true }, async (lock) => {
      resolve(lock !== null);
      if (lock !== null) await held;
    });
    over.catch(reject);
  });
  if (mine) {
    const free = () => {
      release();
      return over;
    };
    return { mine, free: Promise.resolve(), release: free };
  }
  const waiting = new AbortController();
  const free = new Promise<void>((resolve) => {
    // When this has resolved, the lock was ours for a moment and is free again.
    locks.request(name, { signal: waiting.signal }, async () => undefined).then(resolve, () => undefined);
  });
  return { mine, free, release: async () => waiting.abort() };
}
