import type { Timer } from '../../runtime/clock.ts';

/** So many transactions at one time: while one waits for the disk, the next one works. */
const MOST_FLIGHTS = 2;
/** What has waited for so long goes beside those that are under way: perhaps they wait for a lock that nobody gives back. */
const PATIENCE_MS = 500;
/** Of one transaction: it ends well within the statement timeout, and a reader never waits for it for long. */
const MOST_TOGETHER = 64;
const MOST_CHARACTERS = 2_000_000;

type Waiting<Item, Result> = {
  readonly item: Item;
  readonly size: number;
  readonly sinceMs: number;
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
 * @param clock times how long something has waited
 */
export function createGrouped<Item, Result>(
  alone: (item: Item) => Promise<Result>,
  together: (items: readonly Item[]) => Promise<readonly Result[]>,
  clock: Timer,
): Grouped<Item, Result> {
  const queue: Waiting<Item, Result>[] = [];
  const flights = new Set<Promise<void>>();
  /** Those among them that others wait for. */
  const awaited = new Set<Promise<void>>();
  let isWatched = false;

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
    const flight = fly(next()).finally(() => {
      flights.delete(flight);
      awaited.delete(flight);
      if (queue.length > 0 && awaited.size < MOST_FLIGHTS) launch();
    });
    flights.add(flight);
    awaited.add(flight);
  };

  /** For as long as something waits: one timer, and none where nothing ever does. */
  const watch = async (): Promise<void> => {
    if (isWatched) return;
    isWatched = true;
    for (let [first] = queue; first; [first] = queue) {
      await clock.sleep(Math.max(1, first.sinceMs + PATIENCE_MS - clock.monotonicMs()));
      const [oldest] = queue;
      if (!oldest || clock.monotonicMs() - oldest.sinceMs < PATIENCE_MS) continue;
      awaited.clear();
      launch();
    }
    isWatched = false;
  };

  return {
    run: (item, size) => {
      const { promise, resolve } = Promise.withResolvers<Result>();
      queue.push({ item, size, resolve, sinceMs: clock.monotonicMs() });
      if (awaited.size < MOST_FLIGHTS) launch();
      else void watch();
      return promise;
    },
    drained: async () => {
      while (flights.size > 0) await Promise.race(flights);
    },
  };
}
