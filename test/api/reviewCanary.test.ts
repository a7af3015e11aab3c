import type { LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unknown } from '../support/scripted.ts';
import { createReviewingApp, REASONS, type ReviewingApp } from './reviewing.ts';

/** In every note that a reviewer writes, and then in every field of every route. */
const CANARY = 'canary_9W2XB';

let app: ReviewingApp;
let people: ReviewingApp['people'];
let taskId: string;
const answers: { readonly status: number; readonly payload: string }[] = [];
let noted = 0;

beforeAll(async () => {
  app = await createReviewingApp();
  ({ people } = app);
});
afterAll(() => app.service.close());

const keep = (answer: LightMyRequestResponse): number => {
  answers.push({ status: answer.statusCode, payload: answer.payload });
  return answer.statusCode;
};
const call = async (...args: Parameters<ReviewingApp['service']['call']>): Promise<number> =>
  keep(await app.service.call(...args));

async function grounds(reason: string): Promise<Record<string, unknown>> {
  const { reviewedHash, reviewedRevision } = await app.seen(taskId);
  return { reasonCode: REASONS[reason], reviewedHash, reviewedRevision };
}
/** A decision with the canary in its note. */
async function decide(who: string, changes: Record<string, unknown> = {}): Promise<number> {
  noted += 1;
  await app.claim(who, taskId);
  return keep(await app.decide(who, taskId, { note: `${CANARY} ${noted}`, ...changes }));
}

it('is in notes of every kind of decision, in what is shown of them, and sealed in the log', async () => {
  app.says = { confidence: 0.5, riskScore: 0.7 };
  taskId = await app.routedTask();
  expect(await decide(people.ann, { resolution: 'INFO_REQUESTED', overrides: [] })).toBe(200);
  const overrides = ['confidence', 'risk'];
  expect(await decide(people.ann, { overrides })).toBe(200);
  app.answers = [unknown];
  expect(await decide(people.ben, { overrides })).toBe(200);
  await app.settled(taskId, 'IN_REVIEW');
  await app.claim(people.ann, taskId);
  const outcome = {
    attempt: 1,
    result: 'FAILED',
    note: `${CANARY} 4`,
    ...(await grounds('OUTCOME_RECORDED')),
  };
  expect(await call(people.ann, `/reviews/${taskId}/outcome`, outcome)).toBe(200);
  noted += 1;
  expect(await decide(people.ann, { resolution: 'REJECTED', overrides: [] })).toBe(200);
  expect(noted).toBe(5);
  for (const { payload } of answers) expect(payload).not.toContain(CANARY);

  const shown = (await app.service.call(people.ann, `/reviews/${taskId}`)).payload;
  expect(shown.split(CANARY)).toHaveLength(1 + 4);
  const history = (await app.service.call(people.ann, '/cases/C1/events')).payload;
  expect(history.split(CANARY)).toHaveLength(1 + 5);
  const stored = await app.service.events();
  expect(stored.filter(({ data, metadata }) => `${data}${metadata}`.includes(CANARY))).toEqual([]);
});

it('is in no list, no count and no row that is told live', async () => {
  const paths = [
    '/reviews?status=CLOSED',
    '/reviews',
    '/reviews/counts',
    '/tasks',
    '/audit',
    `/tasks/${taskId}`,
  ];
  for (const path of paths) {
    const { statusCode, payload } = await app.service.call(people.ann, path);
    expect([path, statusCode, payload.includes(CANARY)]).toEqual([path, 200, false]);
  }
});

const OTHER = `C1~${'0'.repeat(32)}`;
const claim = (body: unknown) => call(people.ann, `/reviews/${taskId}/claim`, body);
const decideWith = async (changes: Record<string, unknown>, headers: Record<string, string> = {}) =>
  call(
    people.ann,
    `/reviews/${taskId}/decide`,
    { resolution: 'APPROVED', ...(await grounds('APPROVED')), ...changes },
    headers,
  );
const recordWith = async (changes: Record<string, unknown>) =>
  call(people.ann, `/reviews/${taskId}/outcome`, {
    attempt: 1,
    result: 'FAILED',
    ...(await grounds('OUTCOME_RECORDED')),
    ...changes,
  });

it.each<[string, number, () => Promise<number>]>([
  ['a claim with an unknown key', 400, () => claim({ [CANARY]: CANARY })],
  ['a claim of the wrong type', 400, () => claim({ takeover: CANARY })],
  ['a claim that is no JSON', 400, () => claim(`{"${CANARY}`)],
  ['a task id', 400, () => call(people.ann, `/reviews/${CANARY}/claim`, {})],
  ['a note that is too long', 400, () => decideWith({ note: CANARY.repeat(1_000) })],
  ['a note with NUL', 400, () => decideWith({ note: `${CANARY}\0` })],
  ['a note that is a list', 400, () => decideWith({ note: [CANARY] })],
  [
    'a note for a task that is not there',
    404,
    () =>
      call(people.ann, `/reviews/${OTHER}/decide`, {
        resolution: 'REJECTED',
        reasonCode: REASONS.REJECTED,
        reviewedHash: '0'.repeat(64),
        reviewedRevision: 0,
        note: CANARY,
      }),
  ],
  ['a note without a claim', 409, () => decideWith({ note: CANARY })],
  ['a resolution', 400, () => decideWith({ resolution: CANARY })],
  ['a hash', 400, () => decideWith({ reviewedHash: CANARY })],
  ['a revision', 400, () => decideWith({ reviewedRevision: CANARY })],
  ['a key of its own', 400, () => decideWith({ [CANARY]: 1 })],
  ['an idempotency key', 400, () => decideWith({}, { 'idempotency-key': `${CANARY} "` })],
  ['an outcome', 400, () => recordWith({ result: CANARY })],
  ['a note on an outcome that is too long', 400, () => recordWith({ note: CANARY.repeat(1_000) })],
  ['a queue', 200, () => call(people.ann, `/reviews?queue=${CANARY}`)],
  ['a filter that is not there', 400, () => call(people.ann, `/reviews?${CANARY}=1`)],
  ['a status', 400, () => call(people.ann, `/reviews?status=${CANARY}`)],
  ['a cursor', 400, () => call(people.ann, `/reviews?cursor=${CANARY}`)],
  ['a Last-Event-ID', 400, () => call(people.ann, '/live', undefined, { 'last-event-id': CANARY })],
  ['an intent to pause', 400, () => call(people.ben, '/automation/pause', { scope: 'INTENT', name: CANARY })],
  [
    'a reason to pause',
    400,
    () => call(people.ben, '/automation/pause', { scope: 'ALL', reason: `${CANARY}!` }),
  ],
])('%s is answered with %i', async (what, status, work) => {
  if (what.startsWith('a note without')) {
    app.says = { confidence: 0.5 };
    taskId = await app.routedTask(`Partner timed out, please retry for policy 2`);
  }
  expect(await work()).toBe(status);
});

it.each<[string, Record<string, unknown>, string]>([
  ['a reason code', { reasonCode: CANARY, overrides: [] }, 'INVALID_INPUT'],
  ['an override', { overrides: [CANARY] }, 'INVALID_INPUT'],
  [
    'an intent',
    { resolution: 'EDITED', action: { intent: CANARY, routeTarget: 'PARTNER_API' } },
    'INVALID_INPUT',
  ],
  [
    'a route',
    { resolution: 'EDITED', action: { intent: 'RETRY_EXTERNAL_CALL', routeTarget: CANARY } },
    'INVALID_INPUT',
  ],
  ['a note, refused by guardrails', { overrides: [] }, 'GUARDRAILS_REFUSE'],
])('%s of who has claimed it is refused', async (_what, changes, code) => {
  await app.claim(people.ann, taskId);
  const answer = await app.decide(people.ann, taskId, { note: CANARY, ...changes });
  keep(answer);
  expect(answer.json().code).toBe(code);
});

it('is in no problem document, no metric and no log line', async () => {
  expect(await call(people.ben, '/metrics')).toBe(200);
  expect(answers.at(-1)?.payload).not.toContain(CANARY);
  const problems = answers.filter(({ status }) => status >= 400);
  expect(problems.length).toBeGreaterThan(25);
  expect(problems.filter(({ payload }) => payload.includes(CANARY))).toEqual([]);
  const lines = app.service.logged().split('\n');
  expect(lines.length).toBeGreaterThan(answers.length);
  expect(lines.filter((line) => line.includes(CANARY))).toEqual([]);
});
