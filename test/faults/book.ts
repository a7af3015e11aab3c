import { emptyCase, fold } from '../../src/domain/case.ts';
import { type CaseEvent, isTaskEvent, type Recorded, type TaskEvent } from '../../src/domain/events.ts';
import { caseIdOfStream } from '../../src/domain/identifiers.ts';
import type { Task } from '../../src/domain/task.ts';
import { verifyChain } from '../../src/eventstore/chain.ts';
import { codec } from '../../src/eventstore/codec.ts';
import type { EventStore, ReadEvent } from '../../src/eventstore/port.ts';
import type { Journal } from './journal.ts';

/** One event about a task, and when it was recorded (milliseconds since 1970). */
export type Moment = {
  readonly event: TaskEvent;
  readonly at: number;
  readonly traceparent: string | null;
};

/** A task as the log tells it. */
export type Story = { readonly task: Task; readonly caseId: string; readonly moments: readonly Moment[] };

/** All that the log says, read without any service. */
export type Book = {
  readonly events: number;
  readonly streams: number;
  readonly stories: ReadonlyMap<string, Story>;
};

const PAGE = 1_000;

/** Reads the whole log; every stream's chain must be intact, and every case must fold. */
export async function readBook(store: EventStore, journal: Journal): Promise<Book> {
  const streams = new Map<string, ReadEvent[]>();
  let events = 0;
  for (let after: bigint | null = null; ; ) {
    const page: ReadEvent[] = await store.readAll(after, PAGE);
    for (const event of page) {
      const stream = streams.get(event.stream) ?? [];
      streams.set(event.stream, stream);
      stream.push(event);
    }
    events += page.length;
    after = page.at(-1)?.position ?? after;
    if (page.length < PAGE) break;
  }
  const stories = new Map<string, Story>();
  for (const [stream, stored] of streams) {
    for (const { revision, problem } of verifyChain(stored)) {
      journal.violate('every chain is intact', `${stream}/${revision}`, problem);
    }
    const caseId = caseIdOfStream(stream);
    if (caseId !== null) {
      for (const story of storiesOf(caseId, stored, journal)) stories.set(story.task.taskId, story);
    }
  }
  return { events, streams: streams.size, stories };
}

function storiesOf(caseId: string, stored: readonly ReadEvent[], journal: Journal): Story[] {
  try {
    const recorded = stored.map((event) => codec.decode(event) as Recorded<CaseEvent>);
    const moments = new Map<string, Moment[]>();
    for (const event of recorded) {
      if (!isTaskEvent(event)) continue;
      const { recordedAt, traceparent } = event.metadata;
      const known = moments.get(event.data.taskId) ?? [];
      moments.set(event.data.taskId, known);
      known.push({ event, at: Date.parse(recordedAt), traceparent });
    }
    return [...fold(emptyCase(caseId), recorded).tasks.values()].map((task) => ({
      task,
      caseId,
      moments: moments.get(task.taskId) ?? [],
    }));
  } catch (error) {
    journal.violate('every case folds', caseId, String(error));
    return [];
  }
}
