import { fromHex, toHex } from '../core/bytes.ts';
import { DecodeError } from '../core/errors.ts';
import type { Random } from '../ports/clock.ts';
import type { Store } from '../ports/store.ts';
import { PROMISE_SECRET_BYTES } from '../protocol/lsps2/promise.ts';

/** A promise secret makes promises for so long; then a new one does. */
const ROTATE_SECONDS = 24 * 3600;
/** No promise holds longer than this: an older secret has no use any more. */
export const VALID_SECONDS_MAX = 30 * 24 * 3600;

const KEY = 'promise-secrets';

interface Dated {
  readonly secret: Uint8Array;
  /** Unix seconds. */
  readonly since: number;
}

/** The keys under which promises are made: rotated, the old ones kept until everything promised under them is over. */
export interface Secrets {
  /** The newest makes promises; it is saved before anybody sees it. */
  current(): Promise<Uint8Array>;
  all(): readonly Uint8Array[];
}

/** @throws {@link DecodeError} when what is stored are no secrets. */
export function secrets(
  records: readonly (readonly [string, string])[],
  { store, random, now }: { readonly store: Store; readonly random: Random; now(): number },
): Secrets {
  const saved = records.find(([key]) => key === KEY)?.[1];
  let kept = saved === undefined ? [] : read(saved);
  let turning: Promise<void> | undefined;

  async function turn(): Promise<void> {
    const since = now();
    const fresh: Dated = { secret: random(PROMISE_SECRET_BYTES), since };
    // Each made promises until the next one came.
    const live = kept.filter((_, index) => since - (kept[index - 1]?.since ?? since) <= VALID_SECONDS_MAX);
    const next = [fresh, ...live];
    await store.put(KEY, JSON.stringify(next.map(({ secret, since: at }) => [toHex(secret), at])));
    kept = next;
  }

  return {
    async current() {
      const [newest] = kept;
      if (newest && now() - newest.since < ROTATE_SECONDS) return newest.secret;
      turning ??= turn().finally(() => {
        turning = undefined;
      });
      await turning;
      return this.current();
    },
    all: () => kept.map(({ secret }) => secret),
  };
}

function read(json: string): Dated[] {
  const list: unknown = JSON.parse(json);
  const isPair = (each: unknown): each is [string, number] =>
    Array.isArray(each) && typeof each[0] === 'string' && typeof each[1] === 'number';
  if (!Array.isArray(list) || !list.every(isPair)) throw new DecodeError(KEY, 'these are no promise secrets');
  return list.map(([hex, since]) => ({ secret: fromHex(hex, KEY), since }));
}
