import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import {
  createReviewQueries,
  type ReviewFilter,
  type ReviewQueries,
  type ReviewSort,
} from '../../src/projections/reviewQueries.ts';
import { createSelect } from '../../src/projections/select.ts';
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
import { approvedBy, claimed, overdue, reviewed } from '../support/reviewBuilders.ts';
import { closePostgres, createRig, type PostgresRows, postgresRows, type Rig } from './support.ts';

afterAll(closePostgres);

const MINUTE = 60_000;
const NOW = later(10 * MINUTE);
/** Ends in time, and too late. */
const OVER = NOW;
const RUNNING = later(10 * MINUTE + 1);

let rows: PostgresRows;
let rig: Rig;
let queries: ReviewQueries;
const begin = async (): Promise<void> => {
  rows = await postgresRows();
  rig = createRig(rows.rowStore);
  queries = createReviewQueries(createSelect(rows.pool), rows.pool);
  await rows.rowStore.prepare(rig.deps.projections);
};

const toReview = (n: number, codes = ['X'], queue = 'ops', minutes = n): CaseEvent[] => [
  received(n),
  recommended(n),
  routed(n, codes, queue, minutes),
];
const listed = async (
  filter: ReviewFilter = {},
  sort: ReviewSort = 'dueBy',
  now = NOW,
): Promise<(string | undefined)[]> => {
  const found = await queries.reviews({ filter, sort, now, limit: 100, after: null });
  return found.map((row) => NAMES.get(row.task_id));
};
const NAMES = new Map(Array.from({ length: 100 }, (_, n) => [taskId(n), String(n)]));

describe('a list of reviews', () => {
  beforeAll(async () => {
    await begin();
    await rig.append(
      'A',
      opened(),
      ...toReview(5, ['X', 'Y']),
      ...toReview(3),
      ...[claimed(3, 'rita', RUNNING)],
      ...toReview(4),
      ...[claimed(4, 'rita', OVER)],
      ...toReview(1, ['Y'], 'security'),
      ...[claimed(1), reviewed('INFO_REQUESTED', 1)],
      ...toReview(2),
      ...[claimed(2), reviewed('APPROVED', 2, { awaitsSecond: true })],
      ...toReview(6),
      ...[claimed(6), reviewed('REJECTED', 6)],
      ...toReview(7),
      cancelled(7),
      received(8),
      ...[received(9), recommended(9, { intent: 'ESCALATE' }), routed(9, ['X'], 'ops', 9)],
      overdue(9, later(9 * MINUTE), { queue: 'bosses', dueBy: later(20 * MINUTE) }),
    );
    await rig.catchUp();
  });

  it.each<[string, ReviewFilter, string[]]>([
    ['without a filter holds what is open', {}, ['1', '2', '3', '4', '5', '9']],
    ['OPEN', { status: 'OPEN' }, ['4', '5', '9']],
    ['CLAIMED', { status: 'CLAIMED' }, ['3']],
    ['WAITING_FOR_INFO', { status: 'WAITING_FOR_INFO' }, ['1']],
    ['AWAITING_SECOND', { status: 'AWAITING_SECOND' }, ['2']],
    ['CLOSED', { status: 'CLOSED' }, ['6', '7']],
    ['closed and decided so', { status: 'CLOSED', resolution: 'REJECTED' }, ['6']],
    ['open and decided so', { resolution: 'INFO_REQUESTED' }, ['1']],
    ['of a queue', { queue: 'security' }, ['1']],
    ['of a queue that was escalated to', { queue: 'bosses' }, ['9']],
    ['of an intent', { intent: 'ESCALATE' }, ['9']],
    ['of a code', { code: 'Y' }, ['1', '5']],
    ['of a code that no row has', { code: 'Z' }, []],
    ['of a code that could mean something else', { code: '{"X":1}' }, []],
    ['of whose claim runs', { assignee: 'rita' }, ['3']],
    ['of nobody', { assignee: 'raj' }, []],
    ['overdue', { overdue: true }, ['9']],
    ['not overdue', { overdue: false }, ['1', '2', '3', '4', '5']],
    ['due before', { dueBefore: later(3 * MINUTE) }, ['1', '2']],
    ['routed before', { routedBefore: '2025-01-01T00:00:00.000Z' }, []],
    ['several at once', { code: 'X', status: 'OPEN', overdue: false }, ['4', '5']],
  ])('%s', async (_, filter, expected) => {
    expect(await listed(filter)).toEqual(expected);
  });

  it('goes by the time of the query: a lease is over when it ends', async () => {
    expect(await listed({ status: 'CLAIMED' }, 'dueBy', later(10 * MINUTE - 1))).toEqual(['3', '4']);
    expect(await listed({ status: 'CLAIMED' }, 'dueBy', RUNNING)).toEqual([]);
  });

  it('is in the order asked for', async () => {
    expect(await listed({}, 'oldest')).toEqual(['5', '3', '4', '1', '2', '9']);
    expect(await listed({}, 'newest')).toEqual(['9', '2', '1', '4', '3', '5']);
  });

  it('is counted by queue', async () => {
    const none = { open: 0, claimed: 0, waitingForInfo: 0, awaitingSecond: 0, overdue: 0 };
    expect(await queries.reviewCounts(NOW)).toEqual([
      { ...none, queue: 'bosses', open: 1, overdue: 1, oldestDueBy: later(20 * MINUTE) },
      { ...none, queue: 'ops', open: 2, claimed: 1, awaitingSecond: 1, oldestDueBy: later(2 * MINUTE) },
      { ...none, queue: 'security', waitingForInfo: 1, oldestDueBy: later(MINUTE) },
    ]);
    expect(await queries.reviewCounts(RUNNING)).toMatchObject([{}, { open: 3, claimed: 0 }, {}]);
  });

  it('has equal deadlines in the order of routing', async () => {
    await rig.append('A', ...toReview(30, ['X'], 'ops', 1), ...toReview(31, ['X'], 'ops', 1));
    await rig.catchUp();
    expect((await listed()).slice(0, 4)).toEqual(['1', '30', '31', '2']);
  });
});

describe('similar reviews', () => {
  const INTENT = 'RETRY_EXTERNAL_CALL';
  const similar = (codes: string[], limit = 5, n = 50, intent = INTENT) =>
    queries.similarReviews({ taskId: taskId(n), intent, codes, limit });
  beforeAll(async () => {
    await begin();
    await rig.append(
      'A',
      opened(),
      ...toReview(1, ['A', 'B']),
      ...[claimed(1), reviewed('REJECTED', 1, { reasonCode: 'NOT_JUSTIFIED' })],
      ...toReview(2, ['C']),
      ...[claimed(2), reviewed('REJECTED', 2)],
      ...toReview(3, ['B', 'C']),
      cancelled(3),
      ...toReview(4, ['A', 'B']),
      ...toReview(5, ['B']),
      ...[...approvedBy('raj', 5), executed('SUCCEEDED', 5)],
    );
    await rig.catchUp();
  });

  it('are closed ones of the intent: the most codes in common first, then the newest', async () => {
    expect((await similar(['A', 'B'])).map((found) => NAMES.get(found.taskId))).toEqual(['1', '5', '3', '2']);
    expect((await similar(['C'], 2)).map((found) => NAMES.get(found.taskId))).toEqual(['3', '2']);
    expect((await similar([], 2)).map((found) => NAMES.get(found.taskId))).toEqual(['5', '3']);
  });

  it('say how each of them ended', async () => {
    const [rejected, approved, gone] = await similar(['A', 'B'], 3);
    expect(rejected).toEqual({
      taskId: taskId(1),
      caseId: 'A',
      codes: ['A', 'B'],
      resolution: 'REJECTED',
      reasonCode: 'NOT_JUSTIFIED',
      reviewer: 'rita',
      status: 'REJECTED',
      outcome: 'MANUAL',
      routedAt: expect.stringMatching(/Z$/),
    });
    expect(approved).toMatchObject({ resolution: 'APPROVED', reviewer: 'raj', status: 'COMPLETED' });
    expect(gone).toMatchObject({ resolution: null, reviewer: null, status: 'CANCELLED' });
  });

  it('are never the task itself, and none of another intent', async () => {
    expect((await similar(['A'], 5, 1)).map((found) => NAMES.get(found.taskId))).toEqual(['5', '3', '2']);
    expect(await similar(['A'], 5, 50, 'ESCALATE')).toEqual([]);
  });
});
