import { StoreError } from '../../core/errors.ts';

// As much of IndexedDB as we use; its own typings come with a DOM that the other rooms must not have.

interface Target {
  addEventListener(type: string, listener: () => void): void;
}
interface Request<T> extends Target {
  readonly result: T;
  readonly error: unknown;
}
type OpenRequest = Request<Database>;
interface ObjectStore {
  getAll(): Request<readonly string[]>;
  getAllKeys(): Request<readonly string[]>;
  put(value: string, key: string): Request<unknown>;
  delete(key: string): Request<unknown>;
}
interface Transaction extends Target {
  objectStore(name: string): ObjectStore;
  readonly error: unknown;
}
interface Database extends Target {
  createObjectStore(name: string): unknown;
  transaction(name: string, mode: 'readonly' | 'readwrite', options?: { readonly durability: 'strict' }): Transaction;
  close(): void;
}
interface Factory {
  open(name: string, version: number): OpenRequest;
}

const VERSION = 1;
const RECORDS = 'records';

/** @throws StoreError `no_driver`, `io` */
export async function openDatabase(name: string) {
  const { indexedDB } = globalThis as { readonly indexedDB?: Factory };
  if (!indexedDB) throw new StoreError('no_driver', 'this engine has no IndexedDB');
  const database = await opened(indexedDB.open(name, VERSION));
  const underWay = new Set<Promise<void>>();
  let closed = false;
  // The browser may take the database away, as when the user clears the site's data.
  database.addEventListener('close', () => (closed = true));
  // A newer version of the app, in another tab, wants to change the format.
  database.addEventListener('versionchange', () => {
    closed = true;
    database.close();
  });

  /** Resolves when the transaction is durable. Transactions of one store run in the order in which they are made. */
  function write(job: (records: ObjectStore) => void): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      if (closed) throw new StoreError('io', 'the store was closed');
      const transaction = database.transaction(RECORDS, 'readwrite', { durability: 'strict' });
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () => reject(failed('writing', transaction.error)));
      job(transaction.objectStore(RECORDS));
    });
    underWay.add(done);
    const over = () => underWay.delete(done);
    done.then(over, over);
    return done;
  }

  return {
    async load(): Promise<readonly (readonly [string, string])[]> {
      if (closed) throw new StoreError('io', 'the store was closed');
      const records = database.transaction(RECORDS, 'readonly').objectStore(RECORDS);
      const [keys, values] = await Promise.all([result(records.getAllKeys()), result(records.getAll())]);
      return keys.map((key, index) => [key, values[index] ?? ''] as const);
    },
    put: (key: string, json: string) => write((records) => records.put(json, key)),
    remove: (key: string) => write((records) => records.delete(key)),
    async close(): Promise<void> {
      await Promise.allSettled(underWay);
      closed = true;
      database.close();
    },
  };
}

function opened(request: OpenRequest): Promise<Database> {
  return new Promise((resolve, reject) => {
    request.addEventListener('upgradeneeded', () => void request.result.createObjectStore(RECORDS));
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(failed('opening', request.error)));
    request.addEventListener('blocked', () =>
      reject(new StoreError('locked', 'an older version of the app has the store in another tab')),
    );
  });
}

const result = <T>(request: Request<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(failed('reading', request.error)));
  });

const failed = (what: string, cause: unknown): StoreError =>
  new StoreError('io', `${what} the store failed`, { cause });
