import { indexedDbStore } from 'lsps2/indexeddb';
import { describe, expect, test } from 'vitest';
import { storeCompliance } from '../compliance/stores.ts';

let count = 0;
const fresh = () => `test-${Date.now()}-${count++}`;

storeCompliance('IndexedDB', () => {
  const name = fresh();
  return { durable: true, open: () => indexedDbStore({ name }) };
});

describe('one writer', () => {
  test('a second store on the same name only reads, until the first is closed', async () => {
    const name = fresh();
    const first = await indexedDbStore({ name });
    await first.put('a', '1');
    const second = await indexedDbStore({ name });
    expect([first.readOnly, second.readOnly]).toEqual([false, true]);
    expect(await second.load()).toEqual([['a', '1']]);
    await expect(second.put('a', '2')).rejects.toMatchObject({ code: 'store', reason: 'locked' });
    await expect(second.remove('a')).rejects.toMatchObject({ reason: 'locked' });
    let free = false;
    void second.writable.then(() => (free = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(free).toBe(false);
    await first.close();
    await second.writable;
    await second.close();
    const third = await indexedDbStore({ name });
    expect(third.readOnly).toBe(false);
    await expect(first.put('b', '1')).rejects.toMatchObject({ reason: 'io' });
    await third.close();
  });
  test('other names are other stores', async () => {
    const [one, two] = [await indexedDbStore({ name: fresh() }), await indexedDbStore({ name: fresh() })];
    await one.put('a', '1');
    expect(await two.load()).toEqual([]);
    expect(two.readOnly).toBe(false);
    await Promise.all([one.close(), two.close()]);
  });
});
