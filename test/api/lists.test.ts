import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';
import { policy } from '../support/builders.ts';
import { modelSays } from '../support/scripted.ts';

type Rows = readonly Readonly<Record<string, unknown>>[];

const SURE = 'Partner API failed with timeout, please retry';
const UNSURE = 'Partner API failed again with timeout, please retry for policy 4711';

let service: TestApp;
let position: string;
const taskIds: string[] = [];
beforeAll(async () => {
  service = await createTestApp({
    model: ({ task }) => modelSays(task.description === SURE ? {} : { confidence: 0.1 }),
  });
  for (const caseId of ['C1', 'C2', 'C3']) {
    await service.post('/cases', newCase({ caseId, priority: caseId === 'C2' ? 'HIGH' : 'LOW' }));
    for (const description of [SURE, UNSURE]) {
      const answer = (await service.post('/case-task', newTask({ case_id: caseId, description }))).json();
      taskIds.push(answer.taskId);
      position = answer.position;
    }
  }
  await service.post(
    '/cases/C1/suspend',
    {},
    { 'if-match': (await service.get('/cases/C1')).headers.etag as string },
  );
});
afterAll(() => service.close());

/** All pages of a list, so many rows at a time. */
async function pages(url: string, key: string, limit: number): Promise<Rows[]> {
  const found: Rows[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `limit=${limit}&atLeast=${position}${cursor === null ? '' : `&cursor=${cursor}`}`;
    const body = (await service.get(`${url}${url.includes('?') ? '&' : '?'}${query}`)).json();
    found.push(body[key]);
    cursor = body.next;
  } while (cursor !== null);
  return found;
}
const all = async (url: string, key: string): Promise<Rows> => (await pages(url, key, 200)).flat();

describe('a list', () => {
  it.each([
    ['/cases', 'cases', 3],
    ['/tasks', 'tasks', 6],
    ['/audit', 'entries', 6],
    ['/reviews', 'reviews', 3],
  ])('%s comes in pages, which together are the whole', async (url, key, size) => {
    const whole = await all(url, key);
    expect(whole).toHaveLength(size);
    for (const limit of [1, 2, size]) {
      const parts = await pages(url, key, limit);
      expect(parts.flat()).toEqual(whole);
      expect(parts).toHaveLength(Math.ceil(size / limit));
    }
  });

  it('of cases is newest first, and filters', async () => {
    const ids = async (query: string) => (await all(`/cases${query}`, 'cases')).map(({ caseId }) => caseId);
    expect(await ids('')).toEqual(['C3', 'C2', 'C1']);
    expect(await ids('?priority=HIGH')).toEqual(['C2']);
    await expect.poll(() => ids('?state=SUSPENDED')).toEqual(['C1']);
    expect(await ids('?state=OPEN&priority=LOW')).toEqual(['C3']);
    expect(await ids('?state=CLOSED')).toEqual([]);
  });

  it('of tasks is newest first, and filters', async () => {
    const ids = async (query: string) => (await all(`/tasks${query}`, 'tasks')).map(({ taskId }) => taskId);
    expect(await ids('')).toEqual(taskIds.toReversed());
    expect(await ids('?status=IN_REVIEW')).toEqual([taskIds[5], taskIds[3], taskIds[1]]);
    expect(await ids('?outcome=AUTO_SUCCESS&caseId=C2')).toEqual([taskIds[2]]);
  });

  it('of reviews is most urgent first, and filters', async () => {
    const reviews = await all('/reviews', 'reviews');
    expect(reviews.map(({ taskId }) => taskId)).toEqual([taskIds[1], taskIds[3], taskIds[5]]);
    expect(reviews[0]).toMatchObject({ caseId: 'C1', queue: 'operations', codes: ['CONFIDENCE_TOO_LOW'] });
    expect(await all('/reviews?queue=security', 'reviews')).toEqual([]);
    expect(await all('/reviews?queue=operations&intent=RETRY_EXTERNAL_CALL', 'reviews')).toEqual(reviews);
  });

  it('reads what was just written, when it is told to', async () => {
    const opened = (await service.post('/cases', { caseId: 'C4' })).json();
    const { cases } = (await service.get(`/cases?limit=1&atLeast=${opened.position}`)).json();
    expect(cases).toMatchObject([{ caseId: 'C4', revision: 0 }]);
  });
});

describe('the audit log', () => {
  it('has an entry for each settled task, newest first, and filters', async () => {
    const ids = async (query: string) => (await all(`/audit${query}`, 'entries')).map(({ taskId }) => taskId);
    expect(await ids('')).toEqual(taskIds.toReversed());
    expect(await ids('?outcome=MANUAL')).toEqual([taskIds[5], taskIds[3], taskIds[1]]);
    expect(await ids('?intent=ESCALATE')).toEqual([]);
    expect(await ids('?actor=anonymous')).toHaveLength(6);
    expect(await ids('?actor=somebody')).toEqual([]);
  });

  it('bounds times whatever way they are written', async () => {
    const [newest] = await all('/audit', 'entries');
    const at = String(newest?.createdAt);
    const second = `${at.slice(0, 19)}Z`;
    const atOffset = new Date(Date.parse(at) + 3_600_000).toISOString().replace('Z', '+01:00');
    const ids = async (query: string) =>
      (await all(`/audit?${query}`, 'entries')).map(({ taskId }) => taskId);
    for (const from of [at, second, atOffset]) {
      expect(await ids(`from=${encodeURIComponent(from)}`)).toContain(newest?.taskId);
    }
    expect(await ids(`to=${at}`)).not.toContain(newest?.taskId);
    expect(await ids(`to=${encodeURIComponent(atOffset)}`)).not.toContain(newest?.taskId);
    expect(await ids(`to=${second}`)).not.toContain(newest?.taskId);
  });

  it('of one case keeps the names that it had before', async () => {
    const answer = await service.get(`/audit/C2?atLeast=${position}`);
    const entry = { case_id: 'C2', intent: 'RETRY_EXTERNAL_CALL', route_target: 'PARTNER_API' };
    expect(answer.json()).toEqual({
      case_id: 'C2',
      entries: [
        {
          ...entry,
          outcome: 'MANUAL',
          confidence: 0.1,
          id: expect.any(String),
          created_at: expect.any(String),
        },
        {
          ...entry,
          outcome: 'AUTO_SUCCESS',
          confidence: 0.95,
          id: expect.any(String),
          created_at: expect.any(String),
        },
      ],
    });
    const { events } = (await service.get('/cases/C2/events')).json();
    const settling = events.filter(({ type }: { type: string }) =>
      ['RoutedToManual', 'ActionExecuted'].includes(type),
    );
    expect(answer.json().entries.map(({ id }: { id: string }) => id)).toEqual(
      settling.map(({ id }: { id: string }) => id).reverse(),
    );
  });

  it('of a case without tasks is empty', async () => {
    await service.post('/cases', { caseId: 'C5' });
    expect((await service.get('/audit/C5')).json()).toEqual({ case_id: 'C5', entries: [] });
  });
});

describe('a review', () => {
  it('shows what a reviewer needs, the text in clear', async () => {
    const review = (await service.get(`/reviews/${taskIds[1]}`)).json();
    expect(review).toMatchObject({
      taskId: taskIds[1],
      caseId: 'C1',
      status: 'IN_REVIEW',
      description: UNSURE,
      decision: { confidence: 0.1 },
      manual: { reasons: [{ guardrail: 'confidence', actual: 0.1, required: '>= 0.8' }] },
      verdicts: [{ verdict: 'ROUTE_TO_MANUAL', policyHash: policy.hash }],
      attempts: [],
    });
    expect(review).toMatchObject((await service.get(`/tasks/${taskIds[1]}`)).json());
  });

  it('of a task that was executed does not exist', async () => {
    const answer = await service.get(`/reviews/${taskIds[0]}`);
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'REVIEW_NOT_FOUND', errors: [{ field: 'taskId' }] });
  });
});

describe('the policy', () => {
  it('in force is the one that verdicts name, byte for byte', async () => {
    const inForce = await service.get('/policy');
    const { shadow, ...alone } = inForce.json();
    expect(shadow).toBeNull();
    expect(alone).toEqual({
      hash: policy.hash,
      name: policy.name,
      version: policy.version,
      source: policy.source,
      registeredAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect((await service.get(`/policy/${policy.hash}`)).json()).toEqual(alone);
  });
});
