import { LOG_STREAM, SEAL_STREAM } from '../domain/identifiers.ts';
import type { ReadEvent } from '../eventstore/port.ts';
import { readParts, readWhole } from '../eventstore/wholeStream.ts';
import type { Findings } from './findings.ts';
import { locateGaps } from './gaps.ts';
import { type LogReader, pagesUpTo } from './readEvents.ts';
import { createTally, differingBuckets, type Tally } from './tally.ts';

/** A stream as the walk has read it, whole. */
export type WalkedStream = {
  readonly stream: string;
  /** Up to where the walk ends. */
  readonly events: readonly ReadEvent[];
  /** All that there were, also what was appended meanwhile. */
  readonly all: readonly ReadEvent[];
};

export type WalkDependencies = {
  readonly store: LogReader;
  readonly findings: Findings;
  /** Told of each stream once, at its first event, one after the other. */
  readonly onStream: (walked: WalkedStream) => Promise<void>;
  /** Told of the stream of seals, which grows with the log, part after part; `before` is the event before a part. */
  readonly onSeals: (part: readonly ReadEvent[], before: ReadEvent | null) => void;
  /** Told of the log, in its order. */
  readonly onPage: (page: readonly ReadEvent[]) => Promise<void>;
  readonly onProgress: (events: number, position: bigint) => void;
};

/** Streams that are read at once while others are verified. */
const READS_AHEAD = 8;

/**
 * Walks the whole log in its order, reading each stream whole at its first event: memory holds a page and a few streams. What the log
 * has and its streams have is added up apart and compared, so that nothing is missed that is in only one of the two.
 *
 * @param end position at which the walk ends: what is appended meanwhile does not disturb it
 * @returns events of the log, and streams
 */
export async function walkLog(
  deps: WalkDependencies,
  end: bigint,
): Promise<{ readonly events: number; readonly streams: number }> {
  const { store, findings } = deps;
  const ofLog = createTally();
  const ofStreams = createTally();
  const checkOrder = orderCheck(findings);
  const readSeals = sealReader(deps, ofStreams, end);
  let [events, streams] = [0, 0];
  for await (const page of pagesUpTo(store, end)) {
    for (const event of page) {
      ofLog.add(event.stream, identity(event));
      checkOrder(event);
    }
    await deps.onPage(page);
    const heads = page.filter(({ stream, revision }) => revision === 0 && stream !== SEAL_STREAM);
    for await (const walked of readStreams(store, heads, end)) {
      for (const event of walked.events) ofStreams.add(walked.stream, identity(event));
      streams += 1;
      await deps.onStream(walked);
    }
    streams += await readSeals(page);
    events += page.length;
    deps.onProgress(events, page.at(-1)?.position ?? end);
  }
  const differing = differingBuckets(ofLog, ofStreams);
  if (differing.size > 0) await locateGaps(store, end, differing, findings);
  return { events, streams };
}

/** Reads the stream of seals at its first event; how many streams were read. */
function sealReader(
  { store, onSeals }: WalkDependencies,
  ofStreams: Tally,
  end: bigint,
): (page: readonly ReadEvent[]) => Promise<0 | 1> {
  let isRead = false;
  return async (page) => {
    if (isRead || !page.some(({ stream, revision }) => stream === SEAL_STREAM && revision === 0)) return 0;
    isRead = true;
    let before: ReadEvent | null = null;
    for await (const part of readParts(store, SEAL_STREAM)) {
      const events = part.filter(({ position }) => position <= end);
      for (const event of events) ofStreams.add(SEAL_STREAM, identity(event));
      onSeals(events, before);
      before = events.at(-1) ?? before;
    }
    return 1;
  };
}

/** Tells of an event that does not stand behind the one before it, and of a log that does not begin with its name. */
function orderCheck(findings: Findings): (event: ReadEvent) => void {
  let before: bigint | null = null;
  return (event) => {
    if (before === null && event.stream !== LOG_STREAM)
      findings.mismatch('GAP', { stream: LOG_STREAM, revision: 0 }, 'the log does not begin with it');
    if (before !== null && event.position <= before)
      findings.mismatch('POSITION', event, 'the log is not in the order of its positions');
    before = event.position;
  };
}

async function* readStreams(
  store: LogReader,
  heads: readonly ReadEvent[],
  end: bigint,
): AsyncGenerator<WalkedStream> {
  const read = (from: number): Promise<(WalkedStream | null)[]> => {
    const some = heads.slice(from, from + READS_AHEAD);
    const reading = Promise.all(some.map((head) => readStream(store, head, end)));
    // Asked for before anybody waits for it: a failure is told to who does.
    reading.catch(() => {});
    return reading;
  };
  let ahead = read(0);
  for (let from = 0; from < heads.length; from += READS_AHEAD) {
    const current = await ahead;
    ahead = read(from + READS_AHEAD);
    for (const walked of current) {
      if (walked !== null) yield walked;
    }
  }
}

/** The stream of a first event; null for a second first event, with which it was read before. */
async function readStream(store: LogReader, head: ReadEvent, end: bigint): Promise<WalkedStream | null> {
  const { stream } = head;
  const all = await readWhole(store, stream);
  const isSecond = all.some(({ revision, position }) => revision === 0 && position < head.position);
  return isSecond ? null : { stream, all, events: all.filter(({ position }) => position <= end) };
}

/** What makes two events the same, wherever they were read. */
const identity = ({ stream, revision, position, id, type, data, metadata }: ReadEvent): string =>
  [stream, revision, position, id, type, data, metadata].join('\n');
