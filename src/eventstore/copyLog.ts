import { type EventStore, NO_STREAM, type ReadEvent } from './port.ts';

/** How a copy proceeds; counts are events. */
export type CopyProgress = {
  readonly phase: 'comparing' | 'copying' | 'verifying';
  readonly events: number;
};

/** Two logs are not equal; the message says where. Nothing was written behind the difference. */
export class LogsDifferError extends Error {
  readonly code = 'LOGS_DIFFER';
}

const PAGE = 1_000;
/** Most events of one append: a run of one stream in the global order. */
const MOST_AT_ONCE = 200;

/**
 * Copies a whole log: streams, revisions, ids, types, data, metadata and the global order; positions are the target's own.
 * Where the target holds a beginning of the log already (a copy that was killed), it goes on from there. At the end both
 * logs are read again and compared, event by event.
 *
 * @param from a log that nobody writes to meanwhile
 * @param to an empty log, or one that holds a beginning of `from`; nobody else writes to it
 * @param onProgress told after each page
 * @returns how many events the log holds, and how many of them were copied now
 * @throws LogsDifferError when the target holds something else
 */
export async function copyLog(
  from: EventStore,
  to: EventStore,
  onProgress: (progress: CopyProgress) => void,
): Promise<{ readonly events: number; readonly copied: number }> {
  const source = walk(from);
  const present = await compare(source, walk(to), (events) => onProgress({ phase: 'comparing', events }));
  let copied = 0;
  for await (const run of runs(source)) {
    await append(to, run);
    copied += run.length;
    onProgress({ phase: 'copying', events: present + copied });
  }
  const whole = walk(from);
  const events = await compare(whole, walk(to), (count) => onProgress({ phase: 'verifying', events: count }));
  const missing = await whole.peek();
  if (missing) {
    throw new LogsDifferError(
      `the source holds more than the ${events} events of the target (${missing.stream} at revision ` +
        `${missing.revision}): somebody still writes to it; stop that, and run this again`,
    );
  }
  return { events, copied };
}

type Walk = { readonly peek: () => Promise<ReadEvent | null>; readonly next: () => void };

/** Reads a log in its global order, one event at a time over pages. */
function walk(store: EventStore): Walk {
  let page: readonly ReadEvent[] = [];
  let index = 0;
  let after: bigint | null = null;
  let ended = false;
  return {
    peek: async () => {
      if (index >= page.length && !ended) {
        page = await store.readAll(after, PAGE);
        index = 0;
        after = page.at(-1)?.position ?? after;
        ended = page.length === 0;
      }
      return page[index] ?? null;
    },
    next: () => {
      index += 1;
    },
  };
}

/** Walks both as long as the target has events, which must be the source's. Returns how many there were. */
async function compare(source: Walk, target: Walk, onPage: (events: number) => void): Promise<number> {
  for (let events = 0; ; events += 1) {
    const actual = await target.peek();
    if (!actual) return events;
    const expected = await source.peek();
    const where = `event ${events + 1} of the target (${actual.stream} at revision ${actual.revision})`;
    if (!expected) throw new LogsDifferError(`${where} is not in the source: the target is another log`);
    if (!isSame(expected, actual))
      throw new LogsDifferError(`${where} is not the source's event at this place`);
    source.next();
    target.next();
    if (events % PAGE === 0) onPage(events + 1);
  }
}

const isSame = (one: ReadEvent, other: ReadEvent): boolean =>
  one.id === other.id &&
  one.stream === other.stream &&
  one.revision === other.revision &&
  one.type === other.type &&
  one.data === other.data &&
  one.metadata === other.metadata;

/** What is left of a walk, as runs of one stream: each is one append. */
async function* runs(source: Walk): AsyncGenerator<readonly ReadEvent[]> {
  let run: ReadEvent[] = [];
  for (let event = await source.peek(); event; event = await source.peek()) {
    if (run.length >= MOST_AT_ONCE || (run[0] && run[0].stream !== event.stream)) {
      yield run;
      run = [];
    }
    run.push(event);
    source.next();
  }
  if (run.length > 0) yield run;
}

async function append(to: EventStore, run: readonly ReadEvent[]): Promise<void> {
  const [first] = run;
  if (!first) return;
  const events = run.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }));
  const expected = first.revision === 0 ? NO_STREAM : first.revision - 1;
  const result = await to.append(first.stream, expected, events);
  if (result.kind === 'appended') return;
  throw new LogsDifferError(
    `the target's ${first.stream} is at revision ${result.revision} instead of ${expected}: somebody else writes to it`,
  );
}
