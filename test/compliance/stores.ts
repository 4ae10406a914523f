import { describe, expect, test } from 'vitest';
import type { Store } from '../../lib/ports/store.ts';

/** Opens the same store again and again: what was put is there after `close`. */
export interface StoreSubject {
  open(): Promise<Store & { close?(): Promise<void> }>;
  /** Whether records outlive `close`. */
  readonly durable: boolean;
}

/** What every store must do, ours or anybody's. */
export function storeCompliance(name: string, make: () => StoreSubject): void {
  describe(`the store port, ${name}`, () => {
    const sorted = async (store: Store) => [...(await store.load())].sort(([a], [b]) => (a < b ? -1 : 1));

    test('is empty at first', async () => {
      const store = await make().open();
      expect(await store.load()).toEqual([]);
      await store.close?.();
    });

    test('keeps what was put, the last value of each key; forgets what was removed', async () => {
      const store = await make().open();
      await store.put('a', '1');
      await store.put('b', '2');
      await store.put('a', '3');
      await store.put('c', '4');
      await store.remove('c');
      await store.remove('never there');
      expect(await sorted(store)).toEqual([
        ['a', '3'],
        ['b', '2'],
      ]);
      await store.close?.();
    });

    test('keeps the order in which one key was changed, although nobody waited', async () => {
      const store = await make().open();
      const all = Array.from({ length: 50 }, (_, i) => store.put('key', String(i)));
      all.push(store.remove('gone'), store.put('gone', 'back'), store.put('lost', 'x'), store.remove('lost'));
      await Promise.all(all);
      expect(await sorted(store)).toEqual([
        ['gone', 'back'],
        ['key', '49'],
      ]);
      await store.close?.();
    });

    test.each([
      ['"\\u0000"'],
      ['"ünïcödé 🌩"'],
      ['""'],
      [JSON.stringify('x'.repeat(200_000))],
      ["'; DROP TABLE records; --"],
    ])('gives back %.40s as it was', async (json) => {
      const store = await make().open();
      await store.put(`purchase/1x2x3 'quoted' %_`, json);
      expect(await store.load()).toEqual([[`purchase/1x2x3 'quoted' %_`, json]]);
      await store.close?.();
    });

    test('has everything after it was closed and opened again, if it is durable', async () => {
      const subject = make();
      const first = await subject.open();
      await first.put('a', '1');
      // Asked for, not waited for: closing writes it.
      const last = first.put('b', '2');
      await first.close?.();
      await last;
      const second = await subject.open();
      expect(await sorted(second)).toEqual(
        subject.durable
          ? [
              ['a', '1'],
              ['b', '2'],
            ]
          : [],
      );
      await second.close?.();
    });
  });
}
