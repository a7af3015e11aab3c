import type { SealedEvent } from '../domain/seal.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import { keyOf, sealedEventOf } from '../seals/leaves.ts';
import type { LogReader } from './readEvents.ts';

/** Where the log has an event, and with what hash. */
export type FoundEvent = { readonly position: bigint; readonly hash: string };

const PAGE = 500;

/**
 * Looks sealed events up in their streams.
 *
 * @param end position up to which the log is looked at
 * @returns what is there, by `keyOf`; where a superuser has made two of one revision, the one that was sealed
 */
export async function findEvents(
  store: Pick<LogReader, 'readStream'>,
  sealed: readonly SealedEvent[],
  end: bigint,
): Promise<ReadonlyMap<string, FoundEvent>> {
  const found = new Map<string, FoundEvent>();
  for (const [stream, events] of Map.groupBy(sealed, (event) => event.stream)) {
    const hashes = new Map(events.map(({ revision, hash }) => [revision, hash]));
    for await (const event of readRange(store, stream, [...hashes.keys()])) {
      const wanted = hashes.get(event.revision);
      if (wanted === undefined || event.position > end) continue;
      const { hash } = sealedEventOf(event);
      const key = keyOf(event);
      if (!found.has(key) || hash === wanted) found.set(key, { position: event.position, hash });
    }
  }
  return found;
}

/** Events of a stream from the least to the greatest of some revisions. */
async function* readRange(
  store: Pick<LogReader, 'readStream'>,
  stream: string,
  revisions: readonly number[],
): AsyncGenerator<ReadEvent> {
  const last = revisions.reduce((most, revision) => Math.max(most, revision), 0);
  let from = revisions.reduce((least, revision) => Math.min(least, revision), last);
  while (from <= last) {
    const page = await store.readStream(stream, from, PAGE);
    yield* page.filter(({ revision }) => revision <= last);
    const next = (page.at(-1)?.revision ?? last) + 1;
    from = next > from ? next : last + 1;
  }
}
