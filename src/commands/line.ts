/** Places in a line, one line a key. */
export type Lines = {
  /**
   * Resolves when everybody who joined this line before has left it.
   *
   * @returns leaves the line; must be called in the end
   */
  readonly join: (key: string) => Promise<() => void>;
};

/** Lines that take no memory where nobody stands in them. */
export function createLines(): Lines {
  const tails = new Map<string, Promise<void>>();
  return {
    join: async (key) => {
      const before = tails.get(key) ?? Promise.resolve();
      const { promise: left, resolve: leave } = Promise.withResolvers<void>();
      const tail = before.then(() => left);
      tails.set(key, tail);
      void tail.then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      await before;
      return leave;
    },
  };
}
