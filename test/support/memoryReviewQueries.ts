import {
  type AfterReview,
  MOST_COMPARED,
  type QueueCount,
  type ReviewFilter,
  type ReviewQueries,
  type ReviewSort,
} from '../../src/projections/reviewQueries.ts';
import { isClaimed, type ReviewRow, reviewStatus } from '../../src/projections/reviews.ts';
import type { TaskRow } from '../../src/projections/tasks.ts';

/** What is read of reviews, over rows in memory: the same answers as the queries give on Postgres. */
export const memoryReviewQueries = (reviews: () => ReviewRow[], tasks: () => TaskRow[]): ReviewQueries => ({
  reviews: async ({ filter, sort, now, limit, after }) =>
    reviews()
      .filter((row) => isWithin(row, filter, now))
      .sort((a, b) => compare(sort, placeOf(a), placeOf(b)))
      .filter((row) => after === null || compare(sort, placeOf(row), after) > 0)
      .slice(0, limit),
  reviewCounts: async (now) => {
    const open = reviews().filter(({ state }) => state === 'OPEN');
    const queues = [...new Set(open.map(({ queue }) => queue ?? ''))].sort();
    return queues.map((queue) =>
      countOf(
        queue,
        open.filter((row) => row.queue === queue),
        now,
      ),
    );
  },
  similarReviews: async ({ taskId, intent, codes, limit }) => {
    const inCommon = (row: ReviewRow): number => row.codes.filter((code) => codes.includes(code)).length;
    const statuses = new Map(tasks().map((row) => [row.task_id, row]));
    return reviews()
      .filter((row) => row.state === 'CLOSED' && row.intent === intent && row.task_id !== taskId)
      .sort((a, b) => compare('newest', placeOf(a), placeOf(b)))
      .slice(0, MOST_COMPARED)
      .sort((a, b) => inCommon(b) - inCommon(a))
      .slice(0, limit)
      .flatMap((row) => {
        const task = statuses.get(row.task_id);
        if (!task) return [];
        return [
          {
            taskId: row.task_id,
            caseId: row.case_id,
            codes: row.codes,
            resolution: row.resolution,
            reasonCode: row.reason_code,
            reviewer: row.reviewer,
            status: task.status,
            outcome: task.outcome,
            routedAt: row.routed_at ?? '',
          },
        ];
      });
  },
});

const isWithin = (row: ReviewRow, filter: ReviewFilter, now: string): boolean => {
  const { status, queue, intent, code, assignee, overdue, resolution } = filter;
  const { dueBefore, routedAfter, routedBefore } = filter;
  return [
    row.state !== 'NONE',
    status === undefined ? row.state === 'OPEN' : reviewStatus(row, now) === status,
    queue === undefined || row.queue === queue,
    intent === undefined || row.intent === intent,
    code === undefined || row.codes.includes(code),
    assignee === undefined || (row.assignee === assignee && isClaimed(row, now)),
    overdue === undefined || row.overdue === overdue,
    resolution === undefined || row.resolution === resolution,
    dueBefore === undefined || (row.due_by ?? '') < dueBefore,
    routedAfter === undefined || (row.routed_at ?? '') > routedAfter,
    routedBefore === undefined || (row.routed_at ?? '') < routedBefore,
  ].every(Boolean);
};

const placeOf = (row: ReviewRow): AfterReview => ({
  dueBy: row.due_by ?? '',
  position: row.routed_position ?? 0,
});

function compare(sort: ReviewSort, a: AfterReview, b: AfterReview): number {
  if (sort === 'newest') return b.position - a.position;
  if (sort === 'oldest' || a.dueBy === b.dueBy) return a.position - b.position;
  return a.dueBy < b.dueBy ? -1 : 1;
}

function countOf(queue: string, rows: readonly ReviewRow[], now: string): QueueCount {
  const inStatus = (status: string): number => rows.filter((row) => reviewStatus(row, now) === status).length;
  return {
    queue,
    open: inStatus('OPEN'),
    claimed: inStatus('CLAIMED'),
    waitingForInfo: inStatus('WAITING_FOR_INFO'),
    awaitingSecond: inStatus('AWAITING_SECOND'),
    overdue: rows.filter(({ overdue }) => overdue).length,
    oldestDueBy: rows.map(({ due_by }) => due_by ?? '').sort()[0] ?? '',
  };
}
