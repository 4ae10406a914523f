import { toHex } from '../../core/bytes.ts';
import { StoreError } from '../../core/errors.ts';
import { listeners } from '../../core/listeners.ts';
import { serialByKey } from '../../core/serial.ts';
import type { Stop } from '../../ports/abort.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { ReadableStore } from './made.ts';
import type { Lightningd } from './lightningd.ts';

/** The datastore does not tell of changes. */
const LOOK_EVERY_MS = 1_000;
/** All of ours lies below it. */
const ROOT = 'lsps2';
/**
 * Each value says who wrote it, which time, and over whose: so that it is known whether a write whose answer was lost was made, even if
 * somebody has written since.
 */
const SIGNED = /\n#([0-9a-f]{16}-\d+)(?:<([0-9a-f]{16}-\d+))?$/;
const WRITER_BYTES = 8;

/** A store in lightningd's datastore, which a plugin and programs over gRPC write together: what somebody else changed is not undone. */
export interface ClnStore extends ReadableStore {
  onChange(f: () => void): Stop;
  close(): void;
}

/** `at`: the name under which its records lie in the datastore, below `lsps2`. */
export function clnStore(
  cln: Lightningd,
  o: { readonly clock: Clock; readonly random: Random; readonly at?: string },
): ClnStore {
  const root = [ROOT, o.at ?? 'client'];
  const writer = toHex(o.random(WRITER_BYTES));
  const changed = listeners<[]>();
  /** As it was loaded or written last. */
  const generations = new Map<string, bigint>();
  /** Who wrote it, and which time. */
  const signatures = new Map<string, string>();
  /** What was written by us while lightningd lists, by the count of our writes. */
  const writtenAt = new Map<string, number>();
  let writes = 0;
  let loads = 0;
  let puts = 0;
  const inTurn = serialByKey();
  function wrote(key: string): void {
    writes++;
    if (loads > 0) writtenAt.set(key, writes);
  }

  const list = async (key?: string) =>
    (await cln.listDatastore(key === undefined ? root : [...root, key])).flatMap(({ key: path, text, generation }) => {
      const name = path[root.length];
      return name === undefined || path.length !== root.length + 1
        ? []
        : [{ name, text: text.replace(SIGNED, ''), signed: SIGNED.exec(text), generation }];
    });

  /** An error of ours where somebody else was faster; what lightningd said where not. `now`: what is there. */
  function explained(key: string, cause: unknown, now: { readonly generation: bigint } | undefined): unknown {
    if (now?.generation === generations.get(key)) return cause;
    return new StoreError('conflict', `${key}: was changed by another program`, { cause });
  }

  function forget(key: string): void {
    generations.delete(key);
    signatures.delete(key);
  }

  let over = false;
  let stop = () => undefined as void;
  async function look(): Promise<void> {
    const now = await list();
    const same =
      now.length === generations.size && now.every(({ name, generation }) => generations.get(name) === generation);
    if (!same && !over) changed.tell();
  }
  function tick(): void {
    stop = o.clock.after(LOOK_EVERY_MS, () => {
      look()
        .catch((cause: unknown) =>
          cln.log({ level: 'debug', event: 'cln.datastore_unread', fields: { cause: String(cause) } }),
        )
        .finally(() => over || tick());
    });
  }
  tick();

  return {
    async load() {
      const began = writes;
      loads++;
      try {
        const all = await list();
        // What was written while lightningd listed is newer than its list.
        const isOlder = (name: string) => (writtenAt.get(name) ?? 0) > began;
        for (const name of Array.from(generations.keys())) if (!isOlder(name)) forget(name);
        for (const { name, generation, signed } of all) {
          if (isOlder(name)) continue;
          generations.set(name, generation);
          signatures.set(name, signed?.[1] ?? '');
        }
        return all.map(({ name, text }) => [name, text] as const);
      } finally {
        if (--loads === 0) writtenAt.clear();
      }
    },
    get: async (key) => (await list(key))[0]?.text,
    scan: async (prefix) =>
      (await list()).flatMap(({ name, text }) => (name.startsWith(prefix) ? [[name, text] as const] : [])),
    put: (key, json) =>
      inTurn(key, async () => {
        const mine = `${writer}-${puts++}`;
        const before = signatures.get(key);
        const text = `${json}\n#${mine}${before ? `<${before}` : ''}`;
        try {
          generations.set(key, await cln.putDatastore([...root, key], text, generations.get(key)));
        } catch (cause) {
          // Its answer may have been lost, and not the value; where that cannot be seen, nobody was faster as far as we know.
          const found = await list(key).catch(() => undefined);
          if (!found) throw cause;
          const [now] = found;
          const [, by, writtenOver] = now?.signed ?? [];
          if (by === mine && now) generations.set(key, now.generation);
          // Whoever wrote over it will be seen with the next `load`.
          else if (writtenOver !== mine) throw explained(key, cause, now);
        }
        signatures.set(key, mine);
        wrote(key);
      }),
    remove: (key) =>
      inTurn(key, async () => {
        const known = generations.get(key);
        if (known === undefined && (await list(key)).length === 0) return;
        try {
          await cln.removeDatastore([...root, key], known);
          wrote(key);
        } catch (cause) {
          const found = await list(key).catch(() => undefined);
          if (!found) throw cause;
          // Else somebody removed it.
          if (found.length > 0) throw explained(key, cause, found[0]);
        }
        forget(key);
      }),
    onChange: changed.add,
    close() {
      over = true;
      stop();
    },
  };
}
