import type { Pool } from 'pg';
import type { Policy } from '../domain/policy.ts';
import type { ReasonedBy } from '../domain/reviewRules.ts';
import type { Outcome, TaskStatus } from '../domain/vocabulary.ts';
import type { ReviewRow, ReviewStatus } from './reviews.ts';
import { type Condition, condition, equal, type Select, where } from './select.ts';

/** Which reviews; what is undefined does not filter. Times are ISO 8601 in UTC with milliseconds. */
export type ReviewFilter = {
  /** Without it: every review that is not closed. */
  readonly status?: ReviewStatus | undefined;
  readonly queue?: string | undefined;
  readonly intent?: string | undefined;
  readonly code?: string | undefined;
  /** Whose lease runs. */
  readonly assignee?: string | undefined;
  readonly overdue?: boolean | undefined;
  readonly resolution?: ReasonedBy | undefined;
  readonly dueBefore?: string | undefined;
  readonly routedAfter?: string | undefined;
  readonly routedBefore?: string | undefined;
};

/** By deadline, the most urgent first; or by when they were routed. */
export const REVIEW_SORTS = ['dueBy', 'oldest', 'newest'] as const;
export type ReviewSort = (typeof REVIEW_SORTS)[number];

/** The row behind which a page begins. */
export type AfterReview = { readonly dueBy: string; readonly position: number };

export type ReviewPage = {
  readonly filter: ReviewFilter;
  readonly sort: ReviewSort;
  /** ISO 8601; leases that end by then are over. */
  readonly now: string;
  readonly limit: number;
  readonly after: AfterReview | null;
};

/** How much waits in one queue. The four states add up to all of it. */
export type QueueCount = {
  readonly queue: string;
  readonly open: number;
  readonly claimed: number;
  readonly waitingForInfo: number;
  readonly awaitingSecond: number;
  readonly overdue: number;
  /** The earliest deadline, passed or not. */
  readonly oldestDueBy: string;
};

/** Counts of every queue of the policy, those in which nothing waits among them, and of others that still hold something. */
export function allQueues(
  { queues, defaultQueue }: Pick<Policy, 'queues' | 'defaultQueue'>,
  counts: readonly QueueCount[],
): (Omit<QueueCount, 'oldestDueBy'> & { readonly oldestDueBy: string | null })[] {
  const byName = new Map(counts.map((count) => [count.queue, count]));
  const names = [...queues, defaultQueue].map(({ queue }) => queue);
  const all = [...new Set([...names, ...byName.keys()])].sort();
  return all.map((queue) => byName.get(queue) ?? { queue, ...NOTHING });
}

const NOTHING = { open: 0, claimed: 0, waitingForInfo: 0, awaitingSecond: 0, overdue: 0, oldestDueBy: null };

/** The same as figures for metrics. */
export const queueReadings = (
  policy: Pick<Policy, 'queues' | 'defaultQueue'>,
  counts: readonly QueueCount[],
): { readonly queue: string; readonly waiting: number; readonly overdue: number }[] =>
  allQueues(policy, counts).map(({ queue, open, claimed, waitingForInfo, awaitingSecond, overdue }) => ({
    queue,
    waiting: open + claimed + waitingForInfo + awaitingSecond,
    overdue,
  }));

export type SimilarQuery = {
  readonly taskId: string;
  readonly intent: string;
  readonly codes: readonly string[];
  readonly limit: number;
};

/** An earlier task that a person had to look at, and what became of it. */
export type SimilarReview = {
  readonly taskId: string;
  readonly caseId: string;
  readonly codes: readonly string[];
  /** Null where nobody decided: it ended otherwise. */
  readonly resolution: ReasonedBy | null;
  readonly reasonCode: string | null;
  readonly reviewer: string | null;
  readonly status: TaskStatus;
  readonly outcome: Outcome | null;
  readonly routedAt: string;
};

/** What is read of reviews. */
export type ReviewQueries = {
  /**
   * One page of reviews. While pages are read, a review that stays open and within the filter is on at least one of them, whatever
   * happens to it and to others: its routing never changes, and its deadline moves only by escalation, to a later time, which in
   * order of deadlines is ahead of the reader. So it may come twice, and is not missed. What begins to be open, or comes into the
   * filter, behind the reader is not among them.
   */
  readonly reviews: (page: ReviewPage) => Promise<ReviewRow[]>;
  /** Queues in which something waits, by name. */
  readonly reviewCounts: (now: string) => Promise<QueueCount[]>;
  /**
   * Closed reviews of other tasks with the same intent: those with the most codes in common first, then the newest. Looked for
   * among the newest {@link MOST_COMPARED}.
   */
  readonly similarReviews: (query: SimilarQuery) => Promise<SimilarReview[]>;
};

/** Where an open review stands: `reviewStatus`, in SQL; `?` is the time. */
const STATUS = `case when lease_until > ? then 'CLAIMED' when waiting_for_info then 'WAITING_FOR_INFO'
  when first_approver is not null then 'AWAITING_SECOND' else 'OPEN' end`;

const ORDERS: Readonly<Record<ReviewSort, string>> = {
  dueBy: 'due_by, routed_position',
  oldest: 'routed_position',
  newest: 'routed_position desc',
};

export const MOST_COMPARED = 1_000;

export const createReviewQueries = (select: Select, pool: Pick<Pool, 'query'>): ReviewQueries => ({
  reviews: ({ filter, sort, now, limit, after }) =>
    select<ReviewRow>({
      table: 'reviews',
      conditions: [...within(filter, now), ...(after ? [behind(sort, after)] : [])],
      limit,
      order: ORDERS[sort],
    }),
  reviewCounts: async (now) => {
    const { rows } = await pool.query<QueueCount>(COUNTS, [now]);
    return rows;
  },
  similarReviews: async ({ taskId, intent, codes, limit }) => {
    const { rows } = await pool.query<SimilarReview>(SIMILAR, [taskId, intent, codes, limit, MOST_COMPARED]);
    return rows;
  },
});

function within(filter: ReviewFilter, now: string): Condition[] {
  const { status, queue, intent, code, assignee, overdue, resolution } = filter;
  const isOpen = status !== 'CLOSED';
  return [
    condition('state = ?', isOpen ? 'OPEN' : 'CLOSED'),
    ...(isOpen && status !== undefined ? [condition(`${STATUS} = ?`, now, status)] : []),
    ...equal({ queue, intent, overdue, resolution }),
    ...where('codes @> jsonb_build_array(?::text)', code),
    ...(assignee === undefined ? [] : [condition('assignee = ? and lease_until > ?', assignee, now)]),
    ...where('due_by < ?', filter.dueBefore),
    ...where('routed_at > ?', filter.routedAfter),
    ...where('routed_at < ?', filter.routedBefore),
  ];
}

function behind(sort: ReviewSort, { dueBy, position }: AfterReview): Condition {
  if (sort === 'dueBy') return condition('(due_by, routed_position) > (?, ?)', dueBy, position);
  return condition(`routed_position ${sort === 'oldest' ? '>' : '<'} ?`, position);
}

const COUNTS = `
  select queue,
    (count(*) filter (where status = 'OPEN'))::integer as open,
    (count(*) filter (where status = 'CLAIMED'))::integer as claimed,
    (count(*) filter (where status = 'WAITING_FOR_INFO'))::integer as "waitingForInfo",
    (count(*) filter (where status = 'AWAITING_SECOND'))::integer as "awaitingSecond",
    (count(*) filter (where overdue))::integer as overdue,
    min(due_by) as "oldestDueBy"
  from (select queue, overdue, due_by, ${STATUS.replace('?', '$1')} as status
    from readmodel.reviews where state = 'OPEN') waiting
  group by queue order by queue collate "C"`;

const SIMILAR = `
  with compared as (
      select * from readmodel.reviews where state = 'CLOSED' and intent = $2 and task_id <> $1
        order by routed_position desc limit $5),
    closest as (
      select *, (select count(*) from jsonb_array_elements_text(codes) code where code = any ($3)) as in_common
        from compared order by in_common desc, routed_position desc limit $4)
  select closest.task_id as "taskId", closest.case_id as "caseId", closest.codes, closest.resolution,
      closest.reason_code as "reasonCode", closest.reviewer, task.status, task.outcome, closest.routed_at as "routedAt"
    from closest join readmodel.tasks task on task.task_id = closest.task_id
    order by in_common desc, routed_position desc`;
