import type { Stop } from './abort.ts';

/**
 * Where records live. Keys are ours (`purchase/1x2x3`), values JSON. A `put` resolves when the value is durable: nothing
 * that depends on it happens before. A rejected `put` or `remove` changed nothing. Changes of one key are made in the order
 * in which they were asked for.
 */
export interface Store {
  /** Somebody else writes here, as another tab of the browser: `put` and `remove` reject, and nothing must be promised on it. */
  readonly readOnly?: boolean;
  /**
   * Other programs write here, too: `f` is called when they may have. `put` and `remove` reject (StoreError `conflict`) where they would
   * undo a change that `load` has not shown yet.
   */
  onChange?(f: () => void): Stop;
  load(): Promise<readonly (readonly [key: string, json: string])[]>;
  put(key: string, json: string): Promise<void>;
  remove(key: string): Promise<void>;
}

/** Records of bytes, changed together and at once: for a node that must not say anything before it is written down. */
export interface ByteStore {
  load(): readonly (readonly [key: string, bytes: Uint8Array])[];
  /** All of it or nothing, durable when it returns; undefined removes. @throws when nothing was changed. */
  commit(changes: ReadonlyMap<string, Uint8Array | undefined>): void;
}
