import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';
import { modelFails, modelSays } from '../support/scripted.ts';

const CANARY = 'canary_7Q4ZK';

let service: TestApp;
const answers: { readonly status: number; readonly payload: string }[] = [];
beforeAll(async () => {
  service = await createTestApp({
    model: (_request, call) =>
      call % 2 === 0 ? modelSays() : modelFails('AI_INVALID_RESPONSE', 'not JSON', `Sure, ${CANARY}!`),
  });
});
afterAll(() => service.close());

/** Sends, and keeps the answer. */
async function send(...args: Parameters<TestApp['post']>): Promise<number> {
  const answer = await service.post(...args);
  answers.push({ status: answer.statusCode, payload: answer.payload });
  return answer.statusCode;
}
async function get(url: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await service.send({ url, headers });
  answers.push({ status: answer.statusCode, payload: answer.payload });
  return answer.statusCode;
}

it('is in what is recorded, and in what is asked for', async () => {
  const attributes = { personalAttributes: { holder: CANARY } };
  expect(await send('/cases', newCase(attributes))).toBe(201);
  expect(await send('/case-task', newTask({ description: `please retry, ${CANARY}` }))).toBe(200);
  expect(await send('/case-task', newTask({ description: `please retry, ${CANARY}!` }))).toBe(200);
  expect(await send('/cases/C1001/notes', { text: CANARY })).toBe(201);
  expect(await get('/cases/C1001/events')).toBe(200);
  expect(answers.at(-1)?.payload.split(CANARY)).toHaveLength(1 + 5);
});

it.each<[string, number, () => Promise<number>]>([
  [
    'a description that is too long',
    400,
    () => send('/case-task', newTask({ description: CANARY.repeat(1_000) })),
  ],
  ['a description with NUL', 400, () => send('/case-task', newTask({ description: `${CANARY}\0` }))],
  ['a value of the wrong type', 400, () => send('/case-task', newTask({ description: [CANARY] }))],
  ['a role', 400, () => send('/case-task', newTask({ user_role: CANARY }))],
  ['a channel', 400, () => send('/case-task', newTask({ channel: CANARY }))],
  ['a case id', 400, () => send('/case-task', newTask({ case_id: `${CANARY}/` }))],
  ['an unknown key', 400, () => send('/case-task', newTask({ [CANARY]: CANARY }))],
  ['an unknown key that is there twice', 400, () => send('/case-task', `{"${CANARY}": 1, "${CANARY}": 2}`)],
  ['a body that is no JSON', 400, () => send('/case-task', `{"description": "${CANARY}`)],
  ['a body that is text', 400, () => send('/case-task', JSON.stringify(CANARY))],
  ['a body that is not UTF-8', 400, () => send('/case-task', Buffer.from([...Buffer.from(CANARY), 0xff]))],
  ['a body of another type', 415, () => send('/case-task', CANARY, { 'content-type': `text/${CANARY}` })],
  ['an idempotency key', 400, () => send('/case-task', newTask(), { 'idempotency-key': `${CANARY} "` })],
  ['a trace context', 200, () => send('/case-task', newTask(), { traceparent: CANARY })],
  ['an entity tag', 400, () => send('/cases/C1001/close', {}, { 'if-match': CANARY })],
  ['a reason', 400, () => send('/cases/C1001/close', { reason: CANARY }, { 'if-match': '"0"' })],
  ['an attribute', 409, () => send('/cases', newCase({ attributes: { a: CANARY } }))],
  ['a personal attribute', 409, () => send('/cases', newCase({ personalAttributes: { a: CANARY } }))],
  [
    'a personal attribute that is too long',
    400,
    () => send('/cases', newCase({ personalAttributes: { a: CANARY.repeat(100) } })),
  ],
  ['the name of an attribute', 400, () => send('/cases', newCase({ attributes: { [`${CANARY} `]: 1 } }))],
  ['a note that is too long', 400, () => send('/cases/C1001/notes', { text: CANARY.repeat(1_000) })],
  ['a path', 404, () => get(`/${CANARY}`)],
  ['a path that cannot be decoded', 400, () => get(`/cases/${CANARY}%`)],
  ['a path parameter', 400, () => get(`/cases/${CANARY}%20x`)],
  ['an unknown query parameter', 400, () => get(`/cases?${CANARY}=1`)],
  ['a query parameter', 400, () => get(`/cases?state=${CANARY}`)],
  ['a cursor', 400, () => get(`/cases?cursor=${CANARY}`)],
  ['a position', 400, () => get(`/cases?atLeast=${CANARY}`)],
  ['a Host', 421, () => get('/cases', { host: CANARY })],
  ['an Origin', 403, () => get('/cases', { origin: `https://${CANARY}` })],
  [
    'any header',
    200,
    () => get('/healthz', { cookie: CANARY, authorization: `Bearer ${CANARY}`, 'user-agent': CANARY }),
  ],
])('%s is answered with %i', async (_what, status, work) => {
  expect(await work()).toBe(status);
});

it('is in no problem document, no metric and no log line', async () => {
  expect(await get('/metrics')).toBe(200);
  const metrics = answers.at(-1)?.payload ?? '';
  expect(metrics).toContain('case_orchestrator_tasks_settled_total');
  expect(metrics).not.toContain(CANARY);

  const problems = answers.filter(({ status }) => status >= 400);
  expect(problems.length).toBeGreaterThan(25);
  expect(problems.filter(({ payload }) => payload.includes(CANARY))).toEqual([]);

  const lines = service.logged().split('\n');
  expect(lines.length).toBeGreaterThan(answers.length - 1);
  expect(lines.filter((line) => line.includes(CANARY))).toEqual([]);
});

it('is in a log line where somebody writes it there: the check can fail', () => {
  service.app.log.trace({ text: CANARY }, 'proof');
  expect(service.logged()).toContain(CANARY);
});
