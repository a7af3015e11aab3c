import type { CaseEvent, Recorded } from '../domain/events.ts';
import { type Codec, UnknownEventError } from '../eventstore/codec.ts';
import type { EventStore, ReadEvent } from '../eventstore/port.ts';

/** What a verification reads a log with: nothing in it can write. */
export type LogReader = Pick<EventStore, 'kind' | 'readAll' | 'readStream' | 'lastPosition'>;

/** A stored event of a case, decoded where this version can. */
export type Decoded =
  | { readonly kind: 'event'; readonly raw: ReadEvent; readonly event: Recorded<CaseEvent> }
  | { readonly kind: 'later' | 'malformed'; readonly raw: ReadEvent; readonly problem: string };

export const decodeAll = (codec: Codec, events: readonly ReadEvent[]): Decoded[] =>
  events.map((raw) => {
    try {
      return { kind: 'event', raw, event: codec.decode(raw) as Recorded<CaseEvent> };
    } catch (error) {
      const kind = error instanceof UnknownEventError ? 'later' : 'malformed';
      return { kind, raw, problem: error instanceof Error ? error.message : 'cannot be read' };
    }
  });

const PAGE = 1_000;

/** The log in its order up to a position, page by page. */
export async function* pagesUpTo(store: LogReader, end: bigint): AsyncGenerator<readonly ReadEvent[]> {
  let after: bigint | null = null;
  for (;;) {
    const page: ReadEvent[] = await store.readAll(after, PAGE);
    const wanted = page.filter(({ position }) => position <= end);
    if (wanted.length > 0) yield wanted;
    const reached: bigint | null = page.reduce(later, after);
    if (reached === null || reached === after || reached >= end) return;
    after = reached;
  }
}

const later = (most: bigint | null, { position }: ReadEvent): bigint =>
  most === null || position > most ? position : most;
