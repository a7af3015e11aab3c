import type { Random } from './random.ts';

/** Something that is to happen; `cancel` takes it out. */
export type Happening = { readonly cancel: () => void };

/** The simulation's true time: what happens, happens here, one thing after the other. */
export type Timeline = {
  /** Milliseconds since the start of the run. */
  readonly now: () => number;
  /** Lets something happen in so many milliseconds; what falls on the same moment happens in an order that the seed chooses. */
  readonly after: (milliseconds: number, happen: () => void) => Happening;
  /** Waits, outside of any process. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /**
   * Lets things happen until `isDone`, or until time has reached `until`.
   *
   * @throws Error after `mostSteps` steps: something goes on without end
   */
  readonly run: (until: number, isDone: () => boolean) => Promise<void>;
  readonly steps: () => number;
};

type Entry = { readonly at: number; readonly order: number; happen: (() => void) | null };

/** Turns of the event loop that are asked for at one time, which is much cheaper than one by one. */
const TURNS = 16;

export function createTimeline(random: Random, mostSteps: number): Timeline {
  const queue = createQueue();
  let now = 0;
  let steps = 0;

  const after: Timeline['after'] = (milliseconds, happen) => {
    const entry: Entry = { at: now + Math.max(0, milliseconds), order: random.share(), happen };
    queue.add(entry);
    return {
      cancel: () => {
        entry.happen = null;
      },
    };
  };
  const step = (until: number): boolean => {
    for (;;) {
      const entry = queue.first();
      if (!entry || entry.at > until) {
        now = Math.max(now, until);
        return false;
      }
      queue.take();
      if (!entry.happen) continue;
      now = Math.max(now, entry.at);
      steps += 1;
      if (steps > mostSteps) throw new Error(`${mostSteps} steps, and no end`);
      entry.happen();
      return true;
    }
  };

  return {
    now: () => now,
    after,
    sleep: (milliseconds) => new Promise((resolve) => void after(milliseconds, resolve)),
    run: (until, isDone) =>
      new Promise((resolve, reject) => {
        inTurns(() => isDone() || !step(until), resolve, reject);
      }),
    steps: () => steps,
  };
}

/** Does `work` in turns of the event loop until it says that it is over; between two of them, every promise that can go on does. */
function inTurns(work: () => boolean, onOver: () => void, onError: (error: unknown) => void): void {
  let waiting = 0;
  let over = false;
  const attempt = (): void => {
    try {
      over = work();
      if (over) onOver();
    } catch (error) {
      over = true;
      onError(error);
    }
  };
  const turn = (): void => {
    waiting -= 1;
    if (!over) attempt();
    if (!over && waiting === 0) ask();
  };
  const ask = (): void => {
    waiting = TURNS;
    for (let asked = 0; asked < TURNS; asked += 1) setImmediate(turn);
  };
  ask();
}

/** A binary heap: the earliest first, and of those at one moment the lowest order. */
function createQueue() {
  const heap: Entry[] = [];
  const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

  const sink = (entry: Entry): void => {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      let smaller = heap[child];
      if (!smaller) break;
      if (right && isBefore(right, smaller)) {
        child += 1;
        smaller = right;
      }
      if (!isBefore(smaller, entry)) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = entry;
  };

  return {
    first: (): Entry | undefined => heap[0],
    add: (entry: Entry): void => {
      let at = heap.length;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        const above = heap[parent] as Entry;
        if (!isBefore(entry, above)) break;
        heap[at] = above;
        at = parent;
      }
      heap[at] = entry;
    },
    take: (): void => {
      const last = heap.pop();
      if (last && heap.length > 0) sink(last);
    },
  };
}
