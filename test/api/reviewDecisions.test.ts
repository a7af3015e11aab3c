import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestApp } from '../support/app.ts';
import { modelSays, unknown } from '../support/scripted.ts';
import { createReviewingApp, REASONS, type Review, type ReviewingApp } from './reviewing.ts';

let app: ReviewingApp;
let service: ReviewingApp['service'];
let people: ReviewingApp['people'];

beforeEach(async () => {
  app = await createReviewingApp();
  ({ service, people } = app);
});
afterEach(() => service.close());

describe('other decisions', () => {
  it('another action is executed under its own guardrails', async () => {
    const taskId = await app.routedTask();
    await app.claim(people.ann, taskId);
    const asked = { resolution: 'EDITED', overrides: [], action: undefined as unknown };
    expect((await app.decide(people.ann, taskId, asked)).json()).toMatchObject({ code: 'INVALID_INPUT' });
    asked.action = { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'CORE_SYSTEM' };
    expect((await app.decide(people.ann, taskId, asked)).statusCode).toBe(200);
    expect(await app.settled(taskId, 'COMPLETED')).toMatchObject({ attempts: [{ backend: 'CORE_SYSTEM' }] });
  });

  it('a rejection ends the task', async () => {
    const taskId = await app.routedTask();
    await app.claim(people.ann, taskId);
    const answer = await app.decide(people.ann, taskId, { resolution: 'REJECTED', overrides: [] });
    expect(answer.json()).toMatchObject({ status: 'REJECTED', outcome: 'MANUAL' });
    expect((await app.claim(people.ann, taskId)).json()).toMatchObject({ code: 'REVIEW_NOT_OPEN' });
  });

  it('a question leaves it waiting, and free for others', async () => {
    const taskId = await app.routedTask();
    await app.claim(people.ann, taskId);
    await app.decide(people.ann, taskId, {
      resolution: 'INFO_REQUESTED',
      overrides: [],
      note: 'which policy?',
    });
    expect((await app.seen(taskId)).review).toMatchObject({ waitsForInfo: true, claim: null });
  });
});

describe('two persons', () => {
  it('are needed where the policy says so', async () => {
    app.says = { riskScore: 0.7 };
    const taskId = await app.routedTask();
    await app.claim(people.ann, taskId);
    const overrides = ['risk'];
    const first = await app.decide(people.ann, taskId, { overrides });
    expect(first.json()).toMatchObject({ status: 'IN_REVIEW', awaitsSecond: true, claim: null });
    await app.claim(people.ann, taskId);
    expect((await app.decide(people.ann, taskId, { overrides })).json()).toMatchObject({
      code: 'REVIEWER_NOT_ALLOWED',
    });
    await service.call(people.ann, `/reviews/${taskId}/release`, {});
    await app.claim(people.ben, taskId);
    expect((await app.seen(taskId)).review.firstApproval).toMatchObject({ reviewer: 'ann', stands: true });
    expect((await app.decide(people.ben, taskId, { overrides })).json()).toMatchObject({
      status: 'EXECUTING',
    });
    expect(await app.settled(taskId, 'COMPLETED')).toMatchObject({ attempts: [{ reviewer: 'ben' }] });
  });
});

describe('an unknown outcome', () => {
  it('is resolved by who has found out, and the task goes on from there', async () => {
    app.says = {};
    app.answers = [unknown];
    const taskId = await app.routedTask();
    await app.claim(people.ann, taskId);
    const { reviewedHash, reviewedRevision } = await app.seen(taskId);
    const outcome = {
      attempt: 1,
      result: 'SUCCEEDED',
      reasonCode: REASONS.OUTCOME_RECORDED,
      reviewedHash,
      reviewedRevision,
    };
    const answer = await service.call(people.ann, `/reviews/${taskId}/outcome`, outcome);
    expect(answer.json()).toMatchObject({ status: 'COMPLETED', outcome: 'AUTO_FAILED' });
  });
});

it('without authentication nobody may have anything executed', async () => {
  const open = await createTestApp({ model: () => modelSays({ confidence: 0.5 }) });
  await open.post('/cases', { caseId: 'C1' });
  const task = { case_id: 'C1', description: 'retry it', channel: 'SYSTEM', user_role: 'OPS' };
  const { taskId } = (await open.post('/case-task', task)).json<{ taskId: string }>();
  await open.post(`/reviews/${taskId}/claim`, {});
  const { reviewedHash, reviewedRevision } = (await open.get(`/reviews/${taskId}`)).json<Review>();
  const asked = { reasonCode: REASONS.APPROVED, reviewedHash, reviewedRevision, overrides: ['confidence'] };
  const answer = await open.post(`/reviews/${taskId}/decide`, { resolution: 'APPROVED', ...asked });
  expect(answer.json()).toMatchObject({ status: 403, code: 'REVIEWER_NOT_ALLOWED' });
  await open.close();
});
