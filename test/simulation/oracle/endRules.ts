import type { Recorded } from '../../../src/domain/events.ts';
import { canonicalJson } from '../../../src/domain/hash.ts';
import { verifyChain } from '../../../src/eventstore/chain.ts';
import { type Codec, codec } from '../../../src/eventstore/codec.ts';
import type { EventStore, ReadEvent } from '../../../src/eventstore/port.ts';
import type { CaseRow } from '../../../src/projections/cases.ts';
import { createMemoryRowStore, type MemoryRowStore } from '../../../src/projections/memoryRowStore.ts';
import { projectBatch } from '../../../src/projections/projector.ts';
import { READ_MODELS } from '../../../src/projections/readModels.ts';
import type { ReviewRow } from '../../../src/projections/reviews.ts';
import type { TaskRow } from '../../../src/projections/tasks.ts';
import type { World } from '../world.ts';
import type { Book } from './book.ts';
import type { Violate } from './streamRules.ts';

const MOST_EVENTS = 100_000;

/** Checks what holds of the whole log and of the read models when all is quiet. */
export async function checkLog(
  { violate }: World,
  store: EventStore,
  rows: MemoryRowStore,
  book: Book,
): Promise<void> {
  const all = await store.readAll(null, MOST_EVENTS);
  for (const [stream, events] of byStream(all)) {
    for (const { revision, problem } of verifyChain(events)) {
      violate('chain is intact', `${stream}/${revision} ${problem}`);
    }
  }
  checkRows(rows, await freshFold(all), violate);
  checkTasks(rows, book, violate);
  checkReviews(rows, book, violate);
  checkCases(rows, book, violate);
}

function checkRows(rows: MemoryRowStore, fresh: MemoryRowStore, violate: Violate): void {
  for (const { table, key } of READ_MODELS) {
    const live = byKey(rows, table, key);
    const expected = byKey(fresh, table, key);
    for (const name of new Set([...live.keys(), ...expected.keys()])) {
      const [is, should] = [live.get(name), expected.get(name)];
      if (is !== should) violate('read models equal a fresh fold', `${table} ${name}: ${is}, not ${should}`);
    }
  }
}

function checkTasks(rows: MemoryRowStore, book: Book, violate: Violate): void {
  for (const row of rows.rows('tasks') as unknown as TaskRow[]) {
    const { status, outcome, attempts } = book.task(row.task_id) ?? { attempts: [] };
    if (status === row.status && outcome === row.outcome && attempts.length === row.attempts) continue;
    violate('read models say what happened', `${row.task_id} is ${row.status}, not ${status}`);
  }
}

function checkReviews(rows: MemoryRowStore, book: Book, violate: Violate): void {
  for (const row of rows.rows('reviews') as unknown as ReviewRow[]) {
    const task = book.task(row.task_id);
    const isOpen = task?.status === 'IN_REVIEW';
    const { queue, dueBy, claim, first } = (isOpen && task.review) || OVER;
    const isSame =
      isOpen === (row.state === 'OPEN') &&
      row.submitted_by === task?.submittedBy &&
      (!isOpen || (row.queue === queue && row.due_by === dueBy)) &&
      row.assignee === (claim?.reviewer ?? null) &&
      row.lease_until === (claim?.leaseUntil ?? null) &&
      row.first_approver === (first?.reviewer ?? null);
    if (isSame) continue;
    violate('read models say what happened', `review of ${row.task_id}: ${canonicalJson(row)}`);
  }
}

const OVER = { queue: null, dueBy: null, claim: null, first: null };

function checkCases(rows: MemoryRowStore, book: Book, violate: Violate): void {
  for (const row of rows.rows('cases') as unknown as CaseRow[]) {
    const known = book.cases.get(row.case_id);
    const isSame =
      known?.state === row.state &&
      known.retryCount === row.retry_count &&
      known.lastErrorType === row.last_error_type &&
      known.revision === row.revision;
    if (isSame) continue;
    violate('read models say what happened', `${row.case_id} is ${row.state}, not ${known?.state}`);
  }
}

function byStream(events: readonly ReadEvent[]): Map<string, ReadEvent[]> {
  const streams = new Map<string, ReadEvent[]>();
  for (const event of events) {
    const stream = streams.get(event.stream) ?? [];
    streams.set(event.stream, stream);
    stream.push(event);
  }
  return streams;
}

/** Every event of a run was validated when it was written, which is the slow part of reading it. */
const trusting: Codec = {
  ...codec,
  decode: ({ id, stream, revision, position, type, data, metadata }) => {
    const texts = { data: JSON.parse(data), metadata: JSON.parse(metadata) };
    return { id, stream, revision, position, type, ...texts } as Recorded;
  },
};

async function freshFold(all: readonly ReadEvent[]): Promise<MemoryRowStore> {
  const rowStore = createMemoryRowStore();
  const checkpoint = await rowStore.reset(READ_MODELS, { logId: 'fresh', fingerprint: 'fresh' }, null);
  if (!checkpoint) throw new Error('a new row store has a checkpoint');
  const deps = { codec: trusting, rowStore, projections: READ_MODELS, onCommit: () => {} };
  await projectBatch(deps, checkpoint, all, new Set());
  return rowStore;
}

const byKey = (rows: MemoryRowStore, table: string, key: string): Map<string, string> =>
  new Map(rows.rows(table).map((row) => [String(row[key]), canonicalJson(row)]));
