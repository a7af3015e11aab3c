import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { createMemoryRowStore } from '../../src/projections/memoryRowStore.ts';
import { projection, type Row } from '../../src/projections/projection.ts';
import {
  type AfterReview,
  createReviewQueries,
  type ReviewFilter,
  type ReviewQueries,
  type ReviewSort,
} from '../../src/projections/reviewQueries.ts';
import { type ReviewRow, reviewsProjection } from '../../src/projections/reviews.ts';
import type { ChangedRows, RowStore } from '../../src/projections/rowStore.ts';
import { createSelect } from '../../src/projections/select.ts';
import { type TaskRow, tasksProjection } from '../../src/projections/tasks.ts';
import {
  cancelled,
  executed,
  later,
  opened,
  received,
  recommended,
  routed,
  taskId,
} from '../support/builders.ts';
import { memoryReviewQueries } from '../support/memoryReviewQueries.ts';
import { approvedBy, claimed, overdue, reviewed } from '../support/reviewBuilders.ts';
import { closePostgres, createRig, postgresRows, type Rig } from './support.ts';

afterAll(closePostgres);

const MINUTE = 60_000;
const NOW = later(10 * MINUTE);
const COUNT = 24;
const numbers = Array.from({ length: COUNT }, (_, index) => index + 1);

type Read = { readonly rowStore: RowStore; readonly queries: ReviewQueries };

const inMemory = async (): Promise<Read> => {
  const rowStore = createMemoryRowStore();
  const rowsOf = <R>(table: string): R[] => [...rowStore.rows(table)] as unknown as R[];
  const queries = memoryReviewQueries(
    () => rowsOf('reviews'),
    () => rowsOf('tasks'),
  );
  return { rowStore, queries };
};
const onPostgres = async (): Promise<Read> => {
  const { rowStore, pool } = await postgresRows();
  return { rowStore, queries: createReviewQueries(createSelect(pool), pool) };
};

/** Something that happens to a review between two pages, where it can. */
type Move = { readonly kind: number; readonly n: number };
const moves = fc.array(fc.record({ kind: fc.nat(5), n: fc.integer({ min: 1, max: COUNT }) }), {
  maxLength: 12,
});

/** What happens to an open review. A kind above 3 escalates it. */
function happening({ kind, n }: Move, { due_by, queue }: ReviewRow): readonly CaseEvent[] {
  const passed = due_by ?? '';
  const dueBy = new Date(Date.parse(passed) + kind * MINUTE).toISOString();
  const closing = [...approvedBy('rita', n), executed('FAILED', n)];
  const others = [
    [claimed(n)],
    [claimed(n), reviewed('INFO_REQUESTED', n)],
    [cancelled(n)],
    // Routed anew, to be decided before all others: in between it was not open.
    [...closing, routed(n, ['ACTION_FAILED'], 'ops', 0)],
  ];
  return others[kind] ?? [overdue(n, passed, { queue: kind === 5 ? 'bosses' : (queue ?? ''), dueBy })];
}

const isClosedBy = ({ kind }: Move): boolean => kind === 2 || kind === 3;

async function rowOf({ rowStore }: Read, n: number): Promise<ReviewRow> {
  const found = await rowStore.read(projection(reviewsProjection), [taskId(n)]);
  return found.get(taskId(n)) as unknown as ReviewRow;
}

/** Reads page after page while rows move. Returns the reviews that were open all the time and were on no page. */
async function missedBy(
  open: () => Promise<Read>,
  sort: ReviewSort,
  between: readonly Move[][],
): Promise<number[]> {
  const read = await open();
  const rig = createRig(read.rowStore);
  const routings = numbers.flatMap((n) => [
    received(n),
    recommended(n),
    routed(n, ['X'], 'ops', (n * 7) % 11),
  ]);
  await rig.append('A', opened(), ...routings);
  await rig.catchUp();
  const stillOpen = new Set(numbers);
  const seen = new Set<string>();
  let after: AfterReview | null = null;
  for (let page = 0; page < 3 * COUNT; page += 1) {
    const found: ReviewRow[] = await read.queries.reviews({ filter: {}, sort, now: NOW, limit: 3, after });
    for (const { task_id } of found) seen.add(task_id);
    const last = found.at(-1);
    if (!last) break;
    after = { dueBy: last.due_by ?? '', position: last.routed_position ?? 0 };
    await move(read, rig, between[page] ?? [], stillOpen);
  }
  return [...stillOpen].filter((n) => !seen.has(taskId(n)));
}

async function move(read: Read, rig: Rig, all: readonly Move[], stillOpen: Set<number>): Promise<void> {
  for (const one of all.filter(({ n }) => stillOpen.has(n))) {
    if (!stillOpen.has(one.n)) continue;
    await rig.append('A', ...happening(one, await rowOf(read, one.n)));
    await rig.catchUp();
    if (isClosedBy(one)) stillOpen.delete(one.n);
  }
}

describe('pages of reviews, while rows are claimed, escalated, closed and routed anew', () => {
  const between = fc.array(moves, { minLength: 8, maxLength: 8 });
  it.each<ReviewSort>(['dueBy', 'oldest', 'newest'])(
    'hold every one that is open all the time: by %s',
    async (sort) => {
      const property = (open: () => Promise<Read>) =>
        fc.asyncProperty(between, async (all) => {
          expect(await missedBy(open, sort, all)).toEqual([]);
        });
      await fc.assert(property(inMemory), { numRuns: 20, seed: 51 });
      await fc.assert(property(onPostgres), { numRuns: 1, seed: 52 });
    },
    60_000,
  );
});

describe('over rows of every kind', () => {
  const time = fc.integer({ min: 0, max: 6 }).map((n) => later(n * MINUTE));
  const name = fc.constantFrom('a', 'b');
  const row = fc.record({
    state: fc.constantFrom('NONE', 'OPEN', 'OPEN', 'OPEN', 'CLOSED'),
    intent: name,
    queue: name,
    codes: fc.subarray(['X', 'Y', 'Z']),
    due_by: time,
    overdue: fc.boolean(),
    routed_at: time,
    claim: fc.option(fc.record({ assignee: name, lease_until: time }), { nil: null }),
    waiting_for_info: fc.boolean(),
    first_approver: fc.option(name, { nil: null }),
    resolution: fc.option(fc.constantFrom('APPROVED', 'OUTCOME_RECORDED'), { nil: null }),
  });
  const toRow = (
    { claim, ...columns }: typeof row extends fc.Arbitrary<infer T> ? T : never,
    n: number,
  ): ReviewRow =>
    ({
      task_id: taskId(n),
      case_id: 'A',
      risk_score: 0.5,
      confidence: 0.5,
      queues: [columns.queue],
      routed_position: n,
      assignee: claim?.assignee ?? null,
      lease_until: claim?.lease_until ?? null,
      reviewer: null,
      reason_code: null,
      submitted_by: 'test',
      channel: 'SYSTEM',
      user_role: 'OPS',
      updated_at: later(0),
      position: n,
      ...columns,
    }) as ReviewRow;
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
  const filter = fc.record({
    status: maybe(fc.constantFrom('OPEN', 'CLAIMED', 'WAITING_FOR_INFO', 'AWAITING_SECOND', 'CLOSED')),
    queue: maybe(name),
    intent: maybe(name),
    code: maybe(fc.constantFrom('X', 'Z')),
    assignee: maybe(name),
    overdue: maybe(fc.boolean()),
    resolution: maybe(fc.constantFrom('APPROVED' as const)),
    dueBefore: maybe(time),
    routedAfter: maybe(time),
    routedBefore: maybe(time),
  });
  const page = fc.record({
    filter: fc.oneof(filter, fc.constant({})) as fc.Arbitrary<ReviewFilter>,
    sort: fc.constantFrom<ReviewSort>('dueBy', 'oldest', 'newest'),
    now: time,
    limit: fc.constantFrom(2, 50),
    after: fc.option(fc.record({ dueBy: time, position: fc.nat(30) }), { nil: null }),
  });

  it('memory and Postgres answer the same', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 10, maxLength: 25 }).map((all) => all.map(toRow)),
        fc.array(page, { minLength: 20, maxLength: 20 }),
        fc.subarray(['X', 'Y', 'Z']),
        async (reviews, pages, codes) => {
          const { rowStore, queries } = await onPostgres();
          const { deps } = createRig(rowStore);
          await rowStore.prepare(deps.projections);
          const before = await rowStore.reset(deps.projections, deps, null);
          if (!before) throw new Error('there are rows already');
          const tasks = reviews.map(
            ({ task_id, case_id }) =>
              ({ task_id, case_id, status: 'COMPLETED', outcome: null }) as unknown as TaskRow,
          );
          const changed: ChangedRows = new Map([
            [projection(reviewsProjection), reviews as readonly Row[]],
            [projection(tasksProjection), tasks],
          ]);
          expect(await rowStore.commit(before, before, changed, [])).toBe(true);
          const memory = memoryReviewQueries(
            () => [...reviews],
            () => tasks,
          );
          for (const one of pages) expect(await queries.reviews(one)).toEqual(await memory.reviews(one));
          const now = later(3 * MINUTE);
          expect(await queries.reviewCounts(now)).toEqual(await memory.reviewCounts(now));
          const likeFirst = { taskId: taskId(0), intent: 'a', codes, limit: 4 };
          expect(await queries.similarReviews(likeFirst)).toEqual(await memory.similarReviews(likeFirst));
        },
      ),
      { numRuns: 10, seed: 53 },
    );
  }, 60_000);
});
