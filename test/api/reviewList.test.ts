import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reviewSummaryView } from '../../src/api/reviewList.ts';
import { reviewsProjection } from '../../src/projections/reviews.ts';
import { rowAfter } from '../projections/foldRows.ts';
import { newCase, newTask } from '../support/app.ts';
import { later, policy, received, recommended, routed } from '../support/builders.ts';
import { claimed } from '../support/reviewBuilders.ts';
import { modelSays } from '../support/scripted.ts';
import { type AuthenticatedApp, createAuthenticatedApp } from './authenticated.ts';

type Review = Readonly<Record<string, unknown>>;

let service: AuthenticatedApp;
let key: string;
let position: string;
const taskIds: string[] = [];

const post = async (url: string, body: unknown, headers?: Record<string, string>) => {
  const answer = await service.call(key, url, body, headers);
  expect(answer.statusCode).toBeLessThan(300);
  position = answer.json().position;
  return answer.json();
};

beforeAll(async () => {
  service = await createAuthenticatedApp({
    model: ({ task }) =>
      modelSays(task.description === 'escalate' ? { intent: 'ESCALATE' } : { confidence: 0.25 }),
  });
  key = (await service.makeKey({ actor: 'rita', roles: ['OPS'] })).text;
  for (const caseId of ['C1', 'C2', 'C3', 'C4']) {
    await post('/cases', newCase({ caseId }));
    const description = caseId === 'C4' ? 'escalate' : 'please retry';
    taskIds.push((await post('/case-task', newTask({ case_id: caseId, description }))).taskId);
  }
  await post(`/reviews/${taskIds[1]}/claim`, {});
  const { etag } = (await service.call(key, '/cases/C3')).headers;
  await post('/cases/C3/close', {}, { 'if-match': String(etag) });
});
afterAll(() => service.close());

const get = (url: string) => service.call(key, `${url}${url.includes('?') ? '&' : '?'}atLeast=${position}`);
const reviews = async (query: string): Promise<Review[]> => (await get(`/reviews${query}`)).json().reviews;
const found = async (query: string): Promise<number[]> =>
  (await reviews(query)).map(({ taskId }) => 1 + taskIds.indexOf(String(taskId)));

describe('GET /reviews', () => {
  it('shows of each what a table of them needs', async () => {
    const [open] = await reviews('?status=OPEN&sort=oldest');
    expect(open).toEqual({
      taskId: taskIds[0],
      caseId: 'C1',
      status: 'OPEN',
      queue: 'operations',
      codes: ['CONFIDENCE_TOO_LOW'],
      intent: 'RETRY_EXTERNAL_CALL',
      riskScore: 0.1,
      confidence: 0.25,
      dueBy: expect.stringMatching(/Z$/),
      overdue: false,
      routedAt: expect.stringMatching(/Z$/),
      assignee: null,
      leaseUntil: null,
      firstApprover: null,
      resolution: null,
      reasonCode: null,
      reviewer: null,
      submittedBy: 'rita',
      channel: 'SYSTEM',
      userRole: 'OPS',
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(await reviews('?status=CLAIMED')).toMatchObject([
      { taskId: taskIds[1], status: 'CLAIMED', assignee: 'rita', leaseUntil: expect.stringMatching(/Z$/) },
    ]);
  });

  it.each<[string, number[]]>([
    ['', [1, 2, 4]],
    ['?status=OPEN', [1, 4]],
    ['?status=CLAIMED', [2]],
    ['?status=CLOSED', [3]],
    ['?status=WAITING_FOR_INFO', []],
    ['?status=AWAITING_SECOND', []],
    ['?assignee=rita', [2]],
    ['?assignee=raj', []],
    ['?intent=ESCALATE', [4]],
    ['?code=CONFIDENCE_TOO_LOW', [1, 2]],
    ['?queue=operations&code=CONFIDENCE_TOO_LOW&status=OPEN', [1]],
    ['?queue=nowhere', []],
    ['?overdue=false', [1, 2, 4]],
    ['?overdue=true', []],
    ['?status=CLOSED&resolution=REJECTED', []],
    ['?dueBefore=2020-01-01T00:00:00Z', []],
    ['?dueBefore=2120-01-01T00:00:00%2B01:00', [1, 2, 4]],
    ['?routedBefore=2020-01-01T00:00:00Z', []],
    ['?routedAfter=2020-01-01T00:00:00Z', [1, 2, 4]],
    ['?sort=newest', [4, 2, 1]],
    ['?sort=oldest', [1, 2, 4]],
  ])('filters and sorts: %s', async (query, expected) => {
    const all = await found(query);
    expect(query.includes('sort') ? all : all.toSorted()).toEqual(expected);
  });

  it('comes in pages, in each order', async () => {
    for (const sort of ['dueBy', 'oldest', 'newest']) {
      const whole = await found(`?sort=${sort}`);
      const parts: number[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const answer = await get(`/reviews?sort=${sort}&limit=1${cursor && `&cursor=${cursor}`}`);
        const page: { reviews: Review[]; next: string | null } = answer.json();
        expect(page.reviews).toHaveLength(1);
        parts.push(...page.reviews.map(({ taskId }) => 1 + taskIds.indexOf(String(taskId))));
        cursor = page.next;
      }
      expect(parts).toEqual(whole);
    }
  });

  it('takes a cursor in no other order than its own', async () => {
    for (const [own, other] of [
      ['dueBy', 'oldest'],
      ['oldest', 'newest'],
      ['newest', 'dueBy'],
    ]) {
      const { next } = (await get(`/reviews?sort=${own}&limit=1`)).json();
      const answer = await get(`/reviews?sort=${other}&limit=1&cursor=${next}`);
      expect([answer.statusCode, answer.json().errors]).toEqual([
        400,
        [{ field: 'cursor', message: 'is no cursor of this list; leave it out for the first page' }],
      ]);
    }
  });

  it.each([
    ['status=DONE', 'status', 'must be one of OPEN, CLAIMED, WAITING_FOR_INFO, AWAITING_SECOND, CLOSED'],
    ['overdue=maybe', 'overdue', 'must be one of true, false'],
    ['overdue=true&overdue=false', 'overdue', 'must be one of true, false'],
    ['sort=priority', 'sort', 'must be one of dueBy, oldest, newest'],
    [
      'resolution=NO',
      'resolution',
      'must be one of APPROVED, EDITED, REJECTED, INFO_REQUESTED, OUTCOME_RECORDED',
    ],
    [
      'dueBefore=tomorrow',
      'dueBefore',
      'must be a time in ISO 8601 with its offset, such as 2026-01-31T12:00:00Z',
    ],
    ['code=', 'code', 'must be 1 to 200 characters, without control characters'],
  ])('says what is wrong with ?%s', async (query, field, message) => {
    const answer = await get(`/reviews?${query}`);
    expect([answer.statusCode, answer.json().errors]).toEqual([400, [{ field, message }]]);
  });

  it('shows no claim whose lease has ended', () => {
    const row = rowAfter(
      reviewsProjection,
      received(),
      recommended(),
      routed(1, ['X']),
      claimed(1, 'rita', later(60)),
    );
    if (!row) throw new Error('there is no row');
    expect(reviewSummaryView(row, later(59))).toMatchObject({
      status: 'CLAIMED',
      assignee: 'rita',
      leaseUntil: later(60),
    });
    expect(reviewSummaryView(row, later(60))).toMatchObject({
      status: 'OPEN',
      assignee: null,
      leaseUntil: null,
    });
  });
});

describe('GET /reviews/counts', () => {
  it('counts each queue of the policy and each in which something waits, by name', async () => {
    const { queues } = (await get('/reviews/counts')).json();
    const names = queues.map(({ queue }: { queue: string }) => queue);
    expect(names).toEqual([...names].sort());
    expect(new Set(names)).toEqual(
      new Set([...policy.queues, policy.defaultQueue].map(({ queue }) => queue)),
    );
    const all = { claimed: 0, waitingForInfo: 0, awaitingSecond: 0, overdue: 0 };
    const inQueue = (name: string) => queues.find(({ queue }: { queue: string }) => queue === name);
    const [first] = await reviews('?queue=operations');
    expect(inQueue('operations')).toEqual({
      ...all,
      queue: 'operations',
      open: (await reviews('?queue=operations&status=OPEN')).length,
      claimed: 1,
      oldestDueBy: first?.dueBy,
    });
    expect(inQueue('security')).toEqual({ ...all, queue: 'security', open: 0, oldestDueBy: null });
  });
});
