import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReviewingApp, REASONS, type ReviewingApp } from './reviewing.ts';

let app: ReviewingApp;
let service: ReviewingApp['service'];
let people: ReviewingApp['people'];
let taskId: string;
let number = 0;

beforeAll(async () => {
  app = await createReviewingApp();
  ({ service, people } = app);
});
afterAll(() => service.close());
beforeEach(async () => {
  app.says = { confidence: 0.5 };
  number += 1;
  taskId = await app.routedTask(`Partner timed out, please retry for policy ${number}`);
});

const post = (who: string, verb: string, body: object, headers: Record<string, string> = {}) =>
  service.call(who, `/reviews/${taskId}/${verb}`, body, headers);
const eventCount = async (): Promise<number> => (await service.events()).length;
/** Who is recorded for the events of this task of a type: as the event says, and as its envelope does. */
const recorded = async (type: string): Promise<unknown[]> =>
  (await service.events())
    .filter((event) => event.type === type && JSON.parse(event.data).taskId === taskId)
    .map(({ data, metadata }) => [JSON.parse(data).reviewer, JSON.parse(metadata).actor.id]);

describe('a reviewer', () => {
  it.each(['reviewer', 'actor', 'assignee', 'by', 'takenFrom', 'leaseUntil', 'awaitsSecond'])(
    'cannot say who acts, or how, by a field %s',
    async (field) => {
      await app.claim(people.ann, taskId);
      const before = await eventCount();
      const { reviewedHash, reviewedRevision } = await app.seen(taskId);
      const grounds = { reasonCode: REASONS.REJECTED, reviewedHash, reviewedRevision };
      const bodies = [
        ['claim', {}],
        ['release', {}],
        ['decide', { resolution: 'REJECTED', ...grounds }],
        ['outcome', { attempt: 1, result: 'FAILED', ...grounds }],
      ] as const;
      for (const [verb, body] of bodies) {
        const answer = await post(people.ann, verb, { ...body, [field]: 'ben' });
        expect([verb, answer.statusCode, answer.json().code]).toEqual([verb, 400, 'INVALID_INPUT']);
      }
      expect(await eventCount()).toBe(before);
    },
  );

  it('is who the key is of, whatever headers say', async () => {
    const headers = {
      'x-actor': 'ben',
      'x-user': 'ben',
      'x-forwarded-user': 'ben',
      'x-reviewer': 'ben',
      from: 'ben@x.example',
    };
    expect((await post(people.ann, 'claim', {}, headers)).json()).toMatchObject({
      claim: { reviewer: 'ann' },
    });
    expect((await app.decide(people.ann, taskId, {}, headers)).statusCode).toBe(200);
    expect(await recorded('ReviewClaimed')).toEqual([['ann', 'ann']]);
    expect(await recorded('ReviewDecided')).toEqual([['ann', 'ann']]);
  });

  it('can do nothing under the claim of another: not decide, not release, not record an outcome', async () => {
    await app.claim(people.ben, taskId);
    const before = await eventCount();
    const { reviewedHash, reviewedRevision } = await app.seen(taskId);
    const grounds = { reviewedHash, reviewedRevision };
    const outcome = { attempt: 1, result: 'SUCCEEDED', reasonCode: REASONS.OUTCOME_RECORDED, ...grounds };
    const answers = [
      await app.claim(people.ann, taskId),
      await app.decide(people.ann, taskId),
      await app.decide(people.ann, taskId, { resolution: 'REJECTED', overrides: [] }),
      await post(people.ann, 'release', {}),
      await post(people.ann, 'outcome', outcome),
    ];
    expect(answers.map((answer) => answer.json().code)).toEqual(answers.map(() => 'REVIEW_CLAIMED'));
    expect(await eventCount()).toBe(before);
  });

  it('gets nothing by the Idempotency-Key of another: not the answer, and not the deed', async () => {
    const key = { 'idempotency-key': 'anns' };
    const claimed = await post(people.ann, 'claim', {}, key);
    const shown = await app.seen(taskId);
    const decided = await app.decide(people.ann, taskId, {}, { 'idempotency-key': 'anns-2' }, shown);
    expect([claimed.statusCode, decided.statusCode]).toEqual([200, 200]);
    await app.settled(taskId, 'COMPLETED');
    const before = await eventCount();
    const others = [
      await post(people.ben, 'claim', {}, key),
      await app.decide(people.ben, taskId, {}, { 'idempotency-key': 'anns-2' }, shown),
      await post(people.ben, 'release', {}, key),
      await service.call(people.ben, '/cases/C1/notes', { text: 'a note' }, key),
    ];
    expect(others.map((answer) => [answer.statusCode, answer.json().code])).toEqual(
      others.map(() => [422, 'IDEMPOTENCY_KEY_REUSED']),
    );
    for (const { payload } of others) expect(payload).not.toContain(decided.json().position);
    expect(await eventCount()).toBe(before);
  });

  it('may decide on what another one was shown: the hash says what was there, not who has read it', async () => {
    await app.claim(people.ben, taskId);
    const shownToAnn = await app.seen(taskId);
    expect((await app.decide(people.ben, taskId, {}, {}, shownToAnn)).statusCode).toBe(200);
  });

  it('cannot use a key of their own for the same task twice, for different things', async () => {
    const key = { 'idempotency-key': 'mine' };
    await post(people.ann, 'claim', {}, key);
    const takeover = await post(people.ann, 'claim', { takeover: true }, key);
    expect(takeover.json().code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect((await app.decide(people.ann, taskId, {}, key)).json().code).toBe('IDEMPOTENCY_KEY_REUSED');
  });
});

describe('a key with the scope review', () => {
  it('and no role has nothing executed; it can reject, ask, and give back', async () => {
    const { text } = await service.makeKey({ actor: 'roleless', roles: [], scopes: ['review'] });
    expect((await app.claim(text, taskId)).statusCode).toBe(200);
    for (const changes of [
      {},
      { resolution: 'EDITED', action: { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'CORE_SYSTEM' } },
    ]) {
      expect((await app.decide(text, taskId, changes)).json()).toMatchObject({
        status: 403,
        code: 'ROLE_NOT_HELD',
      });
    }
    expect((await service.call(text, `/reviews/${taskId}`)).json().code).toBe('NOT_PERMITTED');
    const rejected = await app.decide(text, taskId, { resolution: 'REJECTED', overrides: [] });
    expect(rejected.json()).toMatchObject({ status: 'REJECTED' });
  });

  it('and a role that the policy does not give the intent has nothing executed', async () => {
    const { text } = await service.makeKey({ actor: 'agent', roles: ['AGENT'], scopes: ['review', 'read'] });
    await app.claim(text, taskId);
    expect((await app.decide(text, taskId)).json().code).toBe('ROLE_NOT_HELD');
  });

  it('takes over only with a role of the policy’s supervisors', async () => {
    await app.claim(people.ann, taskId);
    const { text } = await service.makeKey({ actor: 'boss', roles: ['OPS', 'BOSS'], scopes: ['review'] });
    expect((await app.claim(text, taskId, { takeover: true })).json().code).toBe('ROLE_NOT_HELD');
    expect((await app.claim(people.ben, taskId, { takeover: true })).statusCode).toBe(200);
  });

  it('that was revoked decides nothing any more, under a claim that still runs', async () => {
    const { id, text } = await service.makeKey({ actor: 'gone', roles: ['OPS'] });
    await app.claim(text, taskId);
    await service.keys.revoke(id, new Date().toISOString());
    expect((await app.decide(text, taskId)).statusCode).toBe(401);
  });
});

describe('one person', () => {
  const RISK = { overrides: ['risk'] };
  const risky = async (): Promise<void> => {
    app.says = { riskScore: 0.7 };
    number += 1;
    taskId = await app.routedTask(`Partner timed out, please retry for policy ${number}`);
  };

  it('with several keys, or a key and a token of the same id, is one reviewer: not two pairs of eyes', async () => {
    await risky();
    const second = (await service.makeKey({ actor: 'ann', roles: ['OPS'] })).text;
    const token = await service.tokenOf({ sub: 'ann', roles: ['OPS'] });
    await app.claim(people.ann, taskId);
    expect((await app.decide(second, taskId, RISK)).json()).toMatchObject({ awaitsSecond: true });
    for (const credential of [people.ann, second, token]) {
      await app.claim(credential, taskId);
      expect((await app.decide(credential, taskId, RISK)).json().code).toBe('REVIEWER_NOT_ALLOWED');
    }
  });

  it('does not approve under one credential what was submitted under another of the same id', async () => {
    const token = await service.tokenOf({ sub: 'clerk', roles: ['OPS'] });
    await app.claim(token, taskId);
    expect((await app.decide(token, taskId)).json().code).toBe('REVIEWER_NOT_ALLOWED');
  });

  it('with two ids is two reviewers: nothing here can tell', async () => {
    await risky();
    const alias = (await service.makeKey({ actor: 'ann-too', roles: ['OPS'] })).text;
    await app.claim(people.ann, taskId);
    await app.decide(people.ann, taskId, RISK);
    await app.claim(alias, taskId);
    expect((await app.decide(alias, taskId, RISK)).json()).toMatchObject({ status: 'EXECUTING' });
    await app.settled(taskId, 'COMPLETED');
  });

  it('may say what became of an attempt for their own task, but not have it done again', async () => {
    app.says = {};
    app.answers = [{ result: 'UNKNOWN', errorType: 'TIMEOUT', responseDigest: null, durationMs: 1 }];
    number += 1;
    taskId = await app.routedTask(`Partner timed out, please retry for policy ${number}`);
    await app.claim(people.clerk, taskId);
    const { reviewedHash, reviewedRevision } = await app.seen(taskId);
    const outcome = {
      attempt: 1,
      result: 'FAILED',
      reasonCode: REASONS.OUTCOME_RECORDED,
      reviewedHash,
      reviewedRevision,
    };
    expect((await post(people.clerk, 'outcome', outcome)).statusCode).toBe(200);
    const again = await app.decide(people.clerk, taskId, { overrides: [] });
    expect(again.json().code).toBe('REVIEWER_NOT_ALLOWED');
  });
});
