import type { EventStore, ReadEvent } from './port.ts';

type StreamReader = Pick<EventStore, 'readStream'>;

const PAGE = 1_000;

/** All events of a stream, by revision, as many as the store has, whether or not their revisions have gaps. */
export async function readWhole(store: StreamReader, stream: string): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  for await (const part of readParts(store, stream)) events.push(...part);
  return events;
}

/** The same, part after part. */
export async function* readParts(store: StreamReader, stream: string): AsyncGenerator<readonly ReadEvent[]> {
  let from = 0;
  for (;;) {
    const page = await store.readStream(stream, from, PAGE);
    if (page.length > 0) yield page;
    const next = (page.at(-1)?.revision ?? -1) + 1;
    if (page.length < PAGE || next <= from) return;
    from = next;
  }
}
