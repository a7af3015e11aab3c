import type { ReadEvent } from '../eventstore/port.ts';
import { readWhole } from '../eventstore/wholeStream.ts';
import type { Findings } from './findings.ts';
import { type LogReader, pagesUpTo } from './readEvents.ts';
import { bucketOf } from './tally.ts';

/** Whatever else differs is counted with these: a log that is broken everywhere must not fill the memory. */
const MOST_STREAMS = 10_000;

/**
 * Walks the log a second time, for the streams of those buckets only in which log and streams do not hold the same, and says which
 * events are in only one of the two.
 *
 * @param buckets those that differ
 */
export async function locateGaps(
  store: LogReader,
  end: bigint,
  buckets: ReadonlySet<number>,
  findings: Findings,
): Promise<void> {
  let located = 0;
  for (const [stream, places] of await collect(store, end, buckets)) {
    const events = (await readWhole(store, stream)).filter(({ position }) => position <= end);
    for (const [revision, problem] of gapsOf(events, places)) {
      located += 1;
      findings.mismatch('GAP', { stream, revision }, problem);
    }
  }
  if (located === 0)
    findings.mismatch('GAP', { stream: '', revision: null }, 'log and streams do not hold the same events');
}

type Gap = readonly [revision: number, problem: string];

/**
 * @param events of a stream
 * @param places where the log has events of it
 */
function gapsOf(events: readonly ReadEvent[], places: ReadonlySet<string>): Gap[] {
  const inStream = new Set(events.map(placeOf));
  return [
    ...(events[0]?.revision === 0 ? [] : [[0, 'the first event of the stream is missing'] as const]),
    ...[...places]
      .filter((place) => !inStream.has(place))
      .map((place): Gap => [revisionOf(place), 'is in the log and not in its stream']),
    ...events
      .filter((event) => !places.has(placeOf(event)))
      .map(({ revision }): Gap => [revision, 'is in its stream and not in the log']),
  ];
}

async function collect(
  store: LogReader,
  end: bigint,
  buckets: ReadonlySet<number>,
): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  for await (const page of pagesUpTo(store, end)) {
    for (const event of page.filter(({ stream }) => buckets.has(bucketOf(stream)))) {
      const places = found.get(event.stream);
      if (places) places.add(placeOf(event));
      else if (found.size < MOST_STREAMS) found.set(event.stream, new Set([placeOf(event)]));
    }
  }
  return found;
}

const placeOf = ({ revision, position, id }: ReadEvent): string => `${revision} ${position} ${id}`;
const revisionOf = (place: string): number => Number(place.split(' ')[0]);
