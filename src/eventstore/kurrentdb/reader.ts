import type { ReadEvent, TypesPage } from '../port.ts';
import { checkPage } from '../preconditions.ts';
import { beginRead } from './calls.ts';
import type { Connection } from './connection.ts';
import {
  allRequest,
  isSystemStream,
  newestRequest,
  type Place,
  pingRequest,
  placeOf,
  streamRequest,
} from './requests.ts';
import { type Patience, retrying } from './retrying.ts';

export type Reader = {
  readonly readStream: (stream: string, fromRevision: number, limit: number) => Promise<ReadEvent[]>;
  readonly readAll: (after: bigint | null, limit: number) => Promise<ReadEvent[]>;
  readonly readTypes: (types: readonly string[], after: bigint | null, limit: number) => Promise<TypesPage>;
  readonly lastPosition: () => Promise<bigint | null>;
};

/** How many events at least to look at in a second go, where a server has sent its own in the first. */
const SECOND_LOOK = 64;

/**
 * Reads the log, at the leader, so that what was acknowledged is there. The server is asked to leave its own events out:
 * it has a filter for reads, although the client offers it for subscriptions only. What a server sends nonetheless is
 * left out here, and a page is short only at the end of the log.
 */
export function createReader(connection: Connection, patience: Patience): Reader {
  const read = (operation: string, request: Parameters<typeof beginRead>[0]): Promise<ReadEvent[]> =>
    retrying(patience, operation, (timeoutMs) => connection.call(timeoutMs(), beginRead(request)));
  const pageOf = async (after: bigint | null, limit: number): Promise<ReadEvent[]> => {
    checkPage(limit);
    return readAll((from, count) => read('readAll', allRequest(from, count)), after, limit);
  };

  return {
    readStream: async (stream, fromRevision, limit) => {
      checkPage(limit, fromRevision);
      return read('readStream', streamRequest(stream, fromRevision, limit));
    },
    readAll: pageOf,
    // Filtered here: a server that filters tells nothing of how far it has looked, and takes one filter, which leaves its own events out.
    readTypes: async (types, after, limit) => {
      const looked = await pageOf(after, limit);
      return {
        events: looked.filter(({ type }) => types.includes(type)),
        reached: looked.at(-1)?.position ?? null,
      };
    },
    lastPosition: () => lastPosition((before, count) => read('lastPosition', newestRequest(before, count))),
  };
}

type ReadPage = (place: Place | null, count: number) => Promise<readonly ReadEvent[]>;

async function readAll(readPage: ReadPage, after: bigint | null, limit: number): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  for (let from = after, least = 1; ; least = SECOND_LOOK) {
    // The place that a read begins with is part of it, and there is an event there.
    const count = Math.max(least, limit - events.length + (from === null ? 0 : 1));
    const page = await readPage(from === null ? null : placeOf(from), count);
    events.push(...page.filter((event) => isNews(event, from)));
    if (events.length >= limit || page.length < count) return events.slice(0, limit);
    from = page.at(-1)?.position ?? from;
  }
}

async function lastPosition(readPage: ReadPage): Promise<bigint | null> {
  let before: Place | null = null;
  for (let count = 1; ; count = SECOND_LOOK) {
    const page = await readPage(before, count);
    const newest = page.find((event) => !isSystemStream(event.stream));
    if (newest) return newest.position;
    const oldest = page.at(-1);
    if (!oldest || page.length < count) return null;
    before = placeOf(oldest.position);
  }
}

const isNews = ({ stream, position }: ReadEvent, from: bigint | null): boolean =>
  (from === null || position > from) && !isSystemStream(stream);

/** Resolves when the leader gives its newest event, whatever that is. */
export async function ping(connection: Connection, patience: Patience): Promise<void> {
  await retrying(patience, 'ping', (timeoutMs) => connection.call(timeoutMs(), beginRead(pingRequest())));
}
