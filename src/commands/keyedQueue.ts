/** Runs work of one key one at a time, in order; work of different keys runs freely. */
export type KeyedQueue = {
  /** Runs `work` when everything queued before it under this key has ended. Settles as `work` does. */
  readonly run: <T>(key: string, work: () => Promise<T>) => Promise<T>;
};

/** A queue per key, which takes no memory for keys without work. */
export function createKeyedQueue(): KeyedQueue {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run: (key, work) => {
      const before = tails.get(key) ?? Promise.resolve();
      const mine = before.then(work, work);
      const tail = mine.then(
        () => {},
        () => {},
      );
      tails.set(key, tail);
      void tail.then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      return mine;
    },
  };
}
