import { afterEach, expect, it } from 'vitest';
import { verifyEvidence } from '../../src/evidence/verifyEvidence.ts';
import { KEY } from '../evidence/support.ts';
import { createTestApp, type TestApp } from '../support/app.ts';

let service: TestApp;
afterEach(() => service.close());

const TASK = { case_id: 'C1', description: 'Timeout, please retry', channel: 'EMAIL', user_role: 'OPS' };

async function withCase(signingKey = KEY): Promise<void> {
  service = await createTestApp({ signingKey });
  await service.post('/cases', { caseId: 'C1', priority: 'HIGH' });
  await service.post('/case-task', TASK);
}

it('GET /cases/{caseId}/evidence is a file that is proved, and seals what was not sealed', async () => {
  await withCase();
  for (const [query, isClear] of [
    ['', false],
    ['?personal=withheld', false],
    ['?personal=clear', true],
  ] as const) {
    const answer = await service.get(`/cases/C1/evidence${query}`);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-disposition': 'attachment; filename="evidence-C1.html"',
      'content-security-policy': expect.stringContaining('sandbox'),
      'cache-control': 'no-store',
    });
    const { problems, evidence } = verifyEvidence(answer.rawPayload, KEY.publicKey, null);
    expect(problems).toStrictEqual([]);
    expect(evidence?.events.map(({ type }) => type)).toStrictEqual([
      'CaseOpened',
      'TaskReceived',
      'DecisionRecommended',
      'GuardrailEvaluated',
      'ActionStarted',
      'ActionExecuted',
    ]);
    expect(answer.payload.includes(TASK.description)).toBe(isClear);
  }
  const sealed = (await service.events()).filter(({ stream }) => stream === 'seals');
  expect(sealed).toHaveLength(1);
});

it('is a problem for a case that is not there, and for bad input', async () => {
  await withCase();
  expect((await service.get('/cases/NONE/evidence')).json()).toMatchObject({
    code: 'CASE_NOT_FOUND',
    status: 404,
  });
  expect((await service.get('/cases/C1/evidence?personal=some')).json()).toMatchObject({
    code: 'INVALID_INPUT',
    errors: [{ field: 'personal', message: expect.stringContaining('clear') }],
  });
});

it('is a problem where nothing is signed', async () => {
  service = await createTestApp();
  await service.post('/cases', { caseId: 'C1', priority: 'HIGH' });
  expect((await service.get('/cases/C1/evidence')).json()).toMatchObject({
    code: 'NOTHING_IS_SEALED',
    status: 409,
    detail: 'set SIGNING_KEY: evidence rests on signed seals',
  });
});
