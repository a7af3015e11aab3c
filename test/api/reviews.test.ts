import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failed } from '../support/scripted.ts';
import { until } from '../support/until.ts';
import { createReviewingApp, type ReviewingApp } from './reviewing.ts';

let app: ReviewingApp;
let service: ReviewingApp['service'];
let people: ReviewingApp['people'];

beforeEach(async () => {
  app = await createReviewingApp();
  ({ service, people } = app);
});
afterEach(() => service.close());

describe('a claim', () => {
  it('is one reviewer’s; others are told who has it; a supervisor may take it over', async () => {
    const taskId = await app.routedTask();
    expect((await app.claim(people.ann, taskId)).json()).toMatchObject({ claim: { reviewer: 'ann' } });
    const refused = await app.claim(people.clerk, taskId);
    expect(refused.statusCode).toBe(409);
    expect(refused.json()).toMatchObject({
      code: 'REVIEW_CLAIMED',
      claim: { reviewer: 'ann', leaseUntil: expect.any(String) },
    });
    expect((await app.claim(people.clerk, taskId, { takeover: true })).json()).toMatchObject({
      status: 403,
      code: 'ROLE_NOT_HELD',
    });
    expect((await app.claim(people.ben, taskId, { takeover: true })).json()).toMatchObject({
      claim: { reviewer: 'ben' },
    });
    expect((await app.decide(people.ann, taskId)).json()).toMatchObject({ code: 'REVIEW_CLAIMED' });
    expect((await service.call(people.ben, `/reviews/${taskId}/release`, {})).json()).toMatchObject({
      claim: null,
    });
    expect((await app.decide(people.ann, taskId)).json()).toMatchObject({ code: 'REVIEW_NOT_CLAIMED' });
  });

  it('needs the scope and a task that waits for a person', async () => {
    const taskId = await app.routedTask();
    const reader = await service.makeKey({ actor: 'reader', scopes: ['read'] });
    expect((await app.claim(reader.text, taskId)).statusCode).toBe(403);
    expect((await app.claim(people.ann, `C1~${'0'.repeat(32)}`)).json()).toMatchObject({
      code: 'REVIEW_NOT_FOUND',
    });
    app.says = {};
    const done = await service.call(people.clerk, '/case-task', {
      case_id: 'C1',
      description: 'Partner timed out, please retry for policy 9',
      channel: 'SYSTEM',
      user_role: 'OPS',
    });
    expect((await app.claim(people.ann, done.json<{ taskId: string }>().taskId)).json()).toMatchObject({
      code: 'REVIEW_NOT_FOUND',
    });
  });
});

describe('a review', () => {
  it('shows everything that a decision rests on', async () => {
    const taskId = await app.routedTask();
    await service.call(people.clerk, '/cases/C1/notes', { text: 'the partner has called' });
    const review = await app.seen(taskId);
    expect(review).toMatchObject({
      description: 'Partner timed out, please retry for policy 4711',
      submittedBy: 'clerk',
      manual: { codes: ['CONFIDENCE_TOO_LOW'], reasons: [{ guardrail: 'confidence', actual: 0.5 }] },
      review: { claim: null, firstApproval: null, waitsForInfo: false },
      proposal: { attempt: 1, action: { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'PARTNER_API' } },
      notes: [{ text: 'the partner has called', by: 'clerk' }],
    });
    expect(review.proposal.guardrails.filter(({ passed }) => !passed)).toMatchObject([
      { name: 'confidence' },
    ]);
  });
});

describe('an approval', () => {
  it('with the override named is executed in the reviewer’s name', async () => {
    const taskId = await app.routedTask();
    await app.claim(people.ann, taskId);
    const answer = await app.decide(people.ann, taskId, { note: 'I have checked it' });
    expect(answer.json()).toMatchObject({ status: 'EXECUTING' });
    const after = await app.settled(taskId, 'COMPLETED');
    expect(after).toMatchObject({
      outcome: 'MANUAL',
      verdicts: [
        { authority: 'policy', verdict: 'ROUTE_TO_MANUAL' },
        { authority: 'reviewer', reviewer: 'ann', verdict: 'EXECUTE', overrides: ['confidence'] },
      ],
      attempts: [{ authority: 'reviewer', reviewer: 'ann', result: 'SUCCEEDED' }],
      resolutions: [{ reviewer: 'ann', resolution: 'APPROVED', note: 'I have checked it' }],
    });
  });

  it('without it is refused, naming the guardrails; nothing happens', async () => {
    const taskId = await app.routedTask();
    await app.claim(people.ann, taskId);
    const before = (await service.events()).length;
    expect((await app.decide(people.ann, taskId, { overrides: [] })).json()).toMatchObject({
      status: 409,
      code: 'GUARDRAILS_REFUSE',
      guardrails: [{ name: 'confidence', code: 'CONFIDENCE_TOO_LOW', overridable: true }],
    });
    expect(await service.events()).toHaveLength(before);
  });

  it('is refused to who submitted it, and to who may not have it executed', async () => {
    const taskId = await app.routedTask();
    await app.claim(people.clerk, taskId);
    expect((await app.decide(people.clerk, taskId)).json()).toMatchObject({
      status: 403,
      code: 'REVIEWER_NOT_ALLOWED',
    });
    await service.call(people.clerk, `/reviews/${taskId}/release`, {});
    await app.claim(people.eve, taskId);
    expect((await app.decide(people.eve, taskId)).json()).toMatchObject({
      status: 403,
      code: 'ROLE_NOT_HELD',
    });
  });

  it('is refused when something has changed, saying what', async () => {
    const taskId = await app.routedTask();
    await app.claim(people.ann, taskId);
    const shown = await app.seen(taskId);
    await service.call(people.clerk, '/cases/C1/notes', { text: 'please wait' });
    expect((await app.decide(people.ann, taskId, {}, {}, shown)).json()).toMatchObject({
      status: 409,
      code: 'REVIEW_STALE',
      changed: ['notes'],
    });
    expect((await app.decide(people.ann, taskId)).statusCode).toBe(200);
    await app.settled(taskId, 'COMPLETED');
  });

  it('repeated with its key is answered as recorded, and done once', async () => {
    const taskId = await app.routedTask();
    await app.claim(people.ann, taskId);
    const shown = await app.seen(taskId);
    const first = await app.decide(people.ann, taskId, {}, { 'idempotency-key': 'k1' }, shown);
    await app.settled(taskId, 'COMPLETED');
    const repeat = await app.decide(people.ann, taskId, {}, { 'idempotency-key': 'k1' }, shown);
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(repeat.json()).toEqual(first.json());
    const another = await app.decide(
      people.ann,
      taskId,
      { overrides: [] },
      { 'idempotency-key': 'k1' },
      shown,
    );
    expect(another.json()).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
    expect((await app.seen(taskId)).attempts).toHaveLength(1);
  });

  it('that fails goes back to a person, and is not tried again by itself', async () => {
    app.says = { confidence: 0.5, retryStrategy: 'IMMEDIATE' };
    app.answers = [failed];
    const taskId = await app.routedTask();
    await app.claim(people.ann, taskId);
    await app.decide(people.ann, taskId);
    const after = await until('it is back', async () => {
      const now = await app.seen(taskId);
      return now.status === 'IN_REVIEW' && now.attempts.length === 1 ? now : null;
    });
    expect(after).toMatchObject({ manual: { codes: ['ACTION_FAILED'] }, outcome: 'MANUAL' });
  });
});
