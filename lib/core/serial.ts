/** Runs jobs one after the other, in the order they were asked for; a failed job does not stop the next. */
export function serial(): <T>(job: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (job) => {
    const mine = last.then(job, job);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** The same for each key by itself; of a key for which nothing is to be done nothing is kept. */
export function serialByKey(): <T>(key: string, job: () => Promise<T>) => Promise<T> {
  const queues = new Map<string, { readonly inTurn: ReturnType<typeof serial>; jobs: number }>();
  return async (key, job) => {
    const queue = queues.get(key) ?? { inTurn: serial(), jobs: 0 };
    queues.set(key, queue);
    queue.jobs++;
    try {
      return await queue.inTurn(job);
    } finally {
      if (--queue.jobs === 0) queues.delete(key);
    }
  };
}
