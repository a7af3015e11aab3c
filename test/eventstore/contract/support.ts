import { afterEach, beforeEach } from 'vitest';
import {
  type AppendResult,
  type EventStore,
  NO_STREAM,
  type ReadEvent,
  type StoredEvent,
} from '../../../src/eventstore/port.ts';

/** An empty log, a client of it, and a way to more clients of the same log. */
export type StoreUnderTest = {
  readonly store: EventStore;
  readonly another: () => Promise<EventStore>;
  readonly close: () => Promise<void>;
};

export type MakeStore = () => Promise<StoreUnderTest>;

/** In what stores may differ without anything resting on it. */
export type Traits = {
  /** Notices an id that is in the log already, in whatever stream; else only one that stands twice in one append. */
  readonly uniqueIds: boolean;
  /** Gives a batch as many events as there are; else as many as have come. */
  readonly fullBatches: boolean;
  /** How many events make a large log; a multiple of 2,000. */
  readonly manyEvents: number;
};

export const STRICT: Traits = { uniqueIds: true, fullBatches: true, manyEvents: 100_000 };

/** Gives every test of the surrounding describe an empty log of its own; call the result inside a test. */
export function useStore(makeStore: MakeStore): () => StoreUnderTest {
  let current: StoreUnderTest | undefined;
  beforeEach(async () => {
    current = await makeStore();
  });
  afterEach(async () => {
    await current?.close();
    current = undefined;
  });
  return () => {
    if (!current) throw new Error('Only inside a test.');
    return current;
  };
}

let minted = 0;

/** A UUIDv7 by its form, different at every call. */
export function mintId(): string {
  minted += 1;
  return `01990000-0000-7000-8000-${minted.toString(16).padStart(12, '0')}`;
}

export const newEvent = (data = '{}', type = 'Happened'): StoredEvent => ({
  id: mintId(),
  type,
  data,
  metadata: `{"n":${minted}}`,
});

export const newEvents = (count: number): StoredEvent[] => Array.from({ length: count }, () => newEvent());

/** Reads a stream page by page until an empty page. */
export async function readWholeStream(store: EventStore, stream: string, limit = 1000): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  for (;;) {
    const page = await store.readStream(stream, events.length, limit);
    if (page.length === 0) return events;
    events.push(...page);
  }
}

/** Reads the global order page by page until an empty page. */
export async function readWholeLog(
  store: EventStore,
  after: bigint | null = null,
  limit = 1000,
): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  for (;;) {
    const page = await store.readAll(events.at(-1)?.position ?? after, limit);
    if (page.length === 0) return events;
    events.push(...page);
  }
}

/** Appends at the stream's end, wherever that is by then: what a command does that loads and decides again. */
export async function appendAtEnd(
  store: EventStore,
  stream: string,
  events: readonly StoredEvent[],
): Promise<AppendResult> {
  let expected = NO_STREAM;
  for (;;) {
    const result = await store.append(stream, expected, events);
    if (result.kind === 'appended') return result;
    expected = result.revision;
  }
}

export const bytesOf = ({ id, type, data, metadata }: StoredEvent): StoredEvent => ({
  id,
  type,
  data,
  metadata,
});

export const isRising = (positions: readonly bigint[]): boolean =>
  positions.every((position, index) => index === 0 || position > (positions[index - 1] ?? position));

/** The revisions of each stream in the order in which the events stand in the list. */
export function revisionsByStream(events: readonly ReadEvent[]): Record<string, number[]> {
  const revisions: Record<string, number[]> = {};
  for (const event of events) {
    const ofStream = revisions[event.stream] ?? [];
    ofStream.push(event.revision);
    revisions[event.stream] = ofStream;
  }
  return revisions;
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
