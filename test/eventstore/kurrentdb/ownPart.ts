import type { EventStore, ReadEvent } from '../../../src/eventstore/port.ts';

const PAGE = 1_000;

/**
 * The part of a shared log that begins here and whose streams have a prefix, as if it were a log of its own: an empty log for a
 * test on a server that already holds something, and that others may write to.
 *
 * @param prefix a name that nobody else uses; stream names are given and read without it
 */
export async function openPart(
  shared: EventStore,
  prefix: string,
): Promise<(store: EventStore) => EventStore> {
  const start = await shared.lastPosition();
  return (store) => partOf(store, prefix, start);
}

function partOf(store: EventStore, prefix: string, start: bigint | null): EventStore {
  const own = (events: readonly ReadEvent[]): ReadEvent[] =>
    events
      .filter((event) => event.stream.startsWith(prefix))
      .map((event) => ({ ...event, stream: event.stream.slice(prefix.length) }));

  const readAll = async (after: bigint | null, limit: number): Promise<ReadEvent[]> => {
    const events: ReadEvent[] = [];
    for (let from = after ?? start; ; ) {
      const page = await store.readAll(from, limit);
      events.push(...own(page));
      if (events.length >= limit || page.length < limit) return events.slice(0, limit);
      from = page.at(-1)?.position ?? from;
    }
  };

  let last: bigint | null = null;
  return {
    ...store,
    append: (stream, expectedRevision, events) =>
      store.append(stream === '' ? '' : prefix + stream, expectedRevision, events),
    readStream: async (stream, fromRevision, limit) =>
      own(await store.readStream(prefix + stream, fromRevision, limit)),
    readAll,
    lastPosition: async () => {
      for (;;) {
        const page = await readAll(last, PAGE);
        last = page.at(-1)?.position ?? last;
        if (page.length < PAGE) return last;
      }
    },
    subscribe: async function* (after, batchSize, signal) {
      for await (const batch of store.subscribe(after ?? start, batchSize, signal)) {
        const events = own(batch);
        if (events.length > 0) yield events;
      }
    },
  };
}
