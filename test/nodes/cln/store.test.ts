import { type ClnStore, clnStore } from 'lsps2/cln';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openBook } from '../../../lib/client/book.ts';
import { msat } from '../../../lib/core/amount.ts';
import { storeCompliance } from '../../compliance/stores.ts';
import { manualClock } from '../../manualClock.ts';
import { HASH, HASH2, record } from '../../client/samples.ts';
import { type Datastore, fakeLightningd } from './fakeLightningd.ts';

const clock = manualClock();

function open(datastore: Datastore): ClnStore {
  const store = clnStore(fakeLightningd(datastore), { clock });
  onTestFinished(() => store.close());
  return store;
}

storeCompliance('lightningd’s datastore', () => {
  const datastore: Datastore = new Map();
  return {
    durable: true,
    async open() {
      const store = clnStore(fakeLightningd(datastore), { clock });
      await store.load();
      return { ...store, close: async () => store.close() };
    },
  };
});

describe('a store that two programs write', () => {
  const CONFLICT = { code: 'store', reason: 'conflict' };

  test('a change that was not seen is not undone', async () => {
    const datastore: Datastore = new Map();
    const [one, other] = [open(datastore), open(datastore)];
    await one.put('a', '1');
    await expect(other.put('a', '2')).rejects.toMatchObject(CONFLICT);
    await other.load();
    await other.put('a', '2');
    await expect(one.put('a', '3')).rejects.toMatchObject(CONFLICT);
    await expect(one.remove('a')).rejects.toMatchObject(CONFLICT);
    expect(await one.get('a')).toBe('2');
    await one.load();
    await one.remove('a');
    await expect(other.put('a', '4')).rejects.toMatchObject(CONFLICT);
    // What somebody else removed is removed.
    await other.remove('a');
    expect(await other.load()).toEqual([]);
  });

  test('looking something up does not make it seen', async () => {
    const datastore: Datastore = new Map();
    const [one, other] = [open(datastore), open(datastore)];
    await one.put('a', '1');
    await other.load();
    await other.put('a', '2');
    expect([await one.get('a'), await one.scan('a')]).toEqual(['2', [['a', '2']]]);
    await expect(one.put('a', '3')).rejects.toMatchObject(CONFLICT);
  });

  test('what is written while it is being read is newer than what is read', async () => {
    const cln = fakeLightningd();
    const store = clnStore(cln, { clock });
    onTestFinished(() => store.close());
    await store.put('a', '1');
    const listing = store.load();
    await store.put('a', '2');
    await listing;
    await store.put('a', '3');
    expect(await store.get('a')).toBe('3');
  });

  test('a write whose answer was lost is known to have been made', async () => {
    const datastore: Datastore = new Map();
    const cln = fakeLightningd(datastore);
    const store = clnStore(cln, { clock });
    onTestFinished(() => store.close());
    const { putDatastore } = cln;
    cln.putDatastore = async (...given) => {
      await putDatastore(...given);
      throw new Error('the connection was cut');
    };
    await store.put('a', '1');
    await store.put('a', '2');
    expect(await store.load()).toEqual([['a', '2']]);
    // Somebody else wrote just the same: that is no write of ours.
    const other = open(datastore);
    await other.load();
    await other.put('a', '3');
    await expect(store.put('a', '3')).rejects.toMatchObject(CONFLICT);
  });

  test('and if somebody has written over it since', async () => {
    const datastore: Datastore = new Map();
    const cln = fakeLightningd(datastore);
    const store = clnStore(cln, { clock });
    onTestFinished(() => store.close());
    await store.put('a', '1');
    const other = open(datastore);
    const { putDatastore } = cln;
    cln.putDatastore = async (...given) => {
      await putDatastore(...given);
      await other.load();
      await other.put('a', 'theirs, made of 2');
      cln.putDatastore = putDatastore;
      throw new Error('the connection was cut');
    };
    await store.put('a', '2');
    // What he wrote is not undone.
    await expect(store.put('a', '3')).rejects.toMatchObject(CONFLICT);
    expect(await store.load()).toEqual([['a', 'theirs, made of 2']]);
  });

  test('what lightningd says is told as it is, where nobody was faster', async () => {
    const cln = fakeLightningd();
    const store = clnStore(cln, { clock });
    onTestFinished(() => store.close());
    cln.state.fails = new Set(['putDatastore']);
    await expect(store.put('a', '1')).rejects.toMatchObject({ code: 'node' });
    cln.state.fails = new Set();
    await store.put('a', '1');
    expect(await store.load()).toEqual([['a', '1']]);
  });

  test('who listens hears that somebody else wrote, and not of what it wrote itself', async () => {
    const datastore: Datastore = new Map();
    const [one, other] = [open(datastore), open(datastore)];
    let heard = 0;
    one.onChange(() => heard++);
    await one.put('a', '1');
    await clock.pass(3_000);
    expect(heard).toBe(0);
    await other.load();
    await other.put('a', '2');
    await clock.pass(1_000);
    expect(heard).toBe(1);
  });
});

describe('a book that two programs keep', () => {
  async function books() {
    const datastore: Datastore = new Map();
    const told: string[] = [];
    const one = await openBook(open(datastore), (each) => told.push(`one ${each.state.tag}`));
    const other = await openBook(open(datastore), (each) => told.push(`other ${each.state.tag}`));
    return { one, other, told };
  }
  const cancelled = { tag: 'cancelled' } as const;

  test('each has a store of its own: two on one would not see what they undo', async () => {
    const store = open(new Map());
    const one = await openBook(store, () => undefined);
    await expect(openBook(store, () => undefined)).rejects.toMatchObject({ code: 'store', reason: 'locked' });
    await one.close();
    await (await openBook(store, () => undefined)).close();
  });

  test('each sees what the other wrote before it changes anything', async () => {
    const { one, other, told } = await books();
    await one.add(record(HASH));
    await other.turn(() => ({ records: [{ ...other.of(HASH)!, state: cancelled }], result: undefined }));
    const seen = await one.turn(() => ({ records: [], result: one.of(HASH)!.state.tag }));
    expect(seen).toBe('cancelled');
    expect(told).toEqual(['one waiting', 'other waiting', 'other cancelled', 'one cancelled']);
  });

  test('what the other did not change stays the same object', async () => {
    const { one, other } = await books();
    await one.add(record(HASH));
    await one.add(record(HASH2));
    await other.turn(() => ({ records: [], result: undefined }));
    const [first, second] = [other.of(HASH)!, other.of(HASH2)!];
    await one.turn(() => ({ records: [{ ...one.of(HASH)!, state: cancelled }], result: undefined }));
    await other.turn(() => ({ records: [], result: undefined }));
    expect(other.of(HASH2)).toBe(second);
    expect(other.of(HASH)).not.toBe(first);
  });

  test('who waits for a change hears of it, though another program made it', async () => {
    const { one, other } = await books();
    await one.add(record(HASH));
    const ended = one.until(HASH, (each) => each?.state.tag === 'cancelled');
    await other.turn(() => ({ records: [{ ...other.of(HASH)!, state: cancelled }], result: undefined }));
    await clock.pass(1_000);
    await ended;
  });

  test('no change is lost, and what is to happen once happens once', async () => {
    const { one, other } = await books();
    await one.add(record(HASH));
    let after = 0;
    const add = (book: typeof one) =>
      book.turn(() => {
        const current = book.of(HASH)!;
        return {
          records: [{ ...current, feePaid: msat(current.feePaid + 1n) }],
          result: undefined,
          after: () => void after++,
        };
      });
    const rounds = Array.from({ length: 50 }, () => [add(one), add(other)]).flat();
    await Promise.all(rounds);
    await one.turn(() => ({ records: [], result: undefined }));
    expect([one.of(HASH)!.feePaid, after]).toEqual([100n, 100]);
  });

  test('a change of two records that meets another program at the second is made whole, or not at all', async () => {
    const datastore: Datastore = new Map();
    const cln = fakeLightningd(datastore);
    const store = clnStore(cln, { clock });
    onTestFinished(() => store.close());
    const one = await openBook(store, () => undefined);
    const other = await openBook(open(datastore), () => undefined);
    await one.add(record(HASH));
    await one.add(record(HASH2));
    const { putDatastore } = cln;
    let meets = true;
    cln.putDatastore = async (...given) => {
      const generation = await putDatastore(...given);
      // After the first record, before the second.
      if (meets) {
        meets = false;
        const five = () => ({ records: [{ ...other.of(HASH2)!, received: msat(5n) }], result: undefined });
        await other.turn(five);
      }
      return generation;
    };
    const seen: unknown[] = [];
    await one.turn(() => {
      seen.push([one.of(HASH)!.received, one.of(HASH2)!.received]);
      const more = [HASH, HASH2].map((hash) => ({ ...one.of(hash)!, received: msat(one.of(hash)!.received + 1n) }));
      return { records: more, result: undefined };
    });
    await one.turn(() => ({ records: [], result: undefined }));
    expect(seen).toEqual([
      [0n, 0n],
      [0n, 5n],
    ]);
    expect([one.of(HASH)!.received, one.of(HASH2)!.received]).toEqual([1n, 6n]);
  });

  test('what another program forgot is forgotten', async () => {
    const { one, other } = await books();
    await one.add(record(HASH));
    await other.turn(() => ({ records: [], result: undefined }));
    await other.forget(() => true);
    await one.turn(() => ({ records: [], result: undefined }));
    expect(one.all()).toEqual([]);
  });
});
