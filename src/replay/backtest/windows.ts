import type { EventStore, ReadEvent, TypesPage } from '../../eventstore/port.ts';

/** A part of the log, up to `reached`. */
export type Window = { readonly events: readonly ReadEvent[]; readonly reached: bigint };

/** Events looked at in one go: enough that a round trip does not count, and some megabytes at most. */
const WINDOW = 2_000;

/**
 * The log's events of some types in its order, up to a position. The next window is read while the consumer works on one.
 *
 * @param end null for an empty log
 */
export async function* readAhead(
  store: Pick<EventStore, 'readTypes'>,
  types: readonly string[],
  end: bigint | null,
): AsyncGenerator<Window> {
  const read = (after: bigint | null): Promise<TypesPage> => {
    const reading = store.readTypes(types, after, WINDOW);
    // Asked for before anybody waits for it: a failure is told to who does.
    reading.catch(() => {});
    return reading;
  };
  let ahead = end === null ? null : read(null);
  while (ahead !== null && end !== null) {
    const { events, reached } = await ahead;
    if (reached === null) return;
    ahead = reached >= end ? null : read(reached);
    yield { events: reached > end ? events.filter(({ position }) => position <= end) : events, reached };
  }
}
