import type { Timer } from '../../runtime/clock.ts';

/** So many transactions at one time: while one waits for the disk, the next one works. */
const MOST_FLIGHTS = 2;
/** One that takes longer does not keep others waiting: perhaps it waits for a lock that nobody gives back. */
const SLOT_MS = 500;
/** Of one transaction: it ends well within the statement timeout, and a reader never waits for it for long. */
const MOST_TOGETHER = 64;
const MOST_CHARACTERS = 2_000_000;

type Waiting<Item, Result> = {
  readonly item: Item;
  readonly size: number;
  readonly resolve: (result: Result | Promise<Result>) => void;
};

/** Work that is done together where it arrives together. */
export type Grouped<Item, Result> = {
  /** @param size of the item, in characters */
  readonly run: (item: Item, size: number) => Promise<Result>;
  /** Resolves when nothing is under way any more. */
  readonly drained: () => Promise<void>;
};

/**
 * Does what arrives while others are under way together with what else has arrived by then; what arrives alone is done at once, alone.
 *
 * @param alone does one item
 * @param together does several, all or none; where it fails each is done alone, which must give what was done already
 * @param clock times what takes too long to be waited for
 */
export function createGrouped<Item, Result>(
  alone: (item: Item) => Promise<Result>,
  together: (items: readonly Item[]) => Promise<readonly Result[]>,
  clock: Pick<Timer, 'sleep'>,
): Grouped<Item, Result> {
  const queue: Waiting<Item, Result>[] = [];
  const flights = new Set<Promise<void>>();
  let taken = 0;

  const next = (): Waiting<Item, Result>[] => {
    let count = 0;
    let characters = 0;
    for (const { size } of queue) {
      if (count > 0 && (count >= MOST_TOGETHER || characters + size > MOST_CHARACTERS)) break;
      count += 1;
      characters += size;
    }
    return queue.splice(0, count);
  };

  const fly = async (group: readonly Waiting<Item, Result>[]): Promise<void> => {
    const items = group.map(({ item }) => item);
    const results = items.length === 1 ? null : await together(items).catch(() => null);
    const each = group.map(({ item }, index) => {
      const result = results?.[index];
      return result === undefined ? alone(item) : Promise.resolve(result);
    });
    group.forEach(({ resolve }, index) => {
      resolve(each[index] as Promise<Result>);
    });
    await Promise.allSettled(each);
  };

  const launch = (): void => {
    while (taken < MOST_FLIGHTS && queue.length > 0) {
      taken += 1;
      const ended = new AbortController();
      const flight = fly(next()).finally(() => {
        flights.delete(flight);
        ended.abort();
      });
      flights.add(flight);
      void clock.sleep(SLOT_MS, ended.signal).then(() => {
        taken -= 1;
        launch();
      });
    }
  };

  return {
    run: (item, size) => {
      const { promise, resolve } = Promise.withResolvers<Result>();
      queue.push({ item, size, resolve });
      launch();
      return promise;
    },
    drained: async () => {
      while (flights.size > 0) await Promise.race(flights);
    },
  };
}
