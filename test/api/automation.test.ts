import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestApp, newCase, newTask, type TestApp } from '../support/app.ts';
import { modelSays } from '../support/scripted.ts';
import { type AuthenticatedApp, createAuthenticatedApp } from './authenticated.ts';

let service: TestApp;
beforeEach(async () => {
  service = await createTestApp();
});
afterEach(() => service.close());

type Headers = Record<string, string>;
const ALL = { scope: 'ALL' };
const PARTNER = { scope: 'BACKEND', name: 'PARTNER_API' };
const pause = (body: unknown = ALL, headers: Headers = {}) =>
  service.post('/automation/pause', body, headers);
const resume = (body: unknown = ALL, headers: Headers = {}) =>
  service.post('/automation/resume', body, headers);
const stopped = async (): Promise<unknown[]> =>
  (await service.get('/automation'))
    .json()
    .pauses.map(({ scope, name }: { scope: string; name: string | null }) => name ?? scope);
const changes = async (): Promise<string[]> =>
  (await service.events()).filter(({ stream }) => stream === 'automation').map(({ type }) => type);

/** Sends a task with a text of its own, and tells what became of it. */
async function outcomeOf(
  description: string,
): Promise<{ readonly outcome: string; readonly codes: string[] }> {
  const { outcome, manual } = (await service.post('/case-task', newTask({ description }))).json();
  return { outcome, codes: manual?.codes ?? [] };
}
const TEXT = 'Partner API timed out, please retry for policy';

describe('the kill switch', () => {
  it('says that nothing is paused before it was ever used', async () => {
    const answer = await service.get('/automation');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ pauses: [], revision: -1, position: expect.any(String) });
    expect((await service.get(`/cases?atLeast=${answer.json().position}`)).statusCode).toBe(200);
  });

  it('tells what is paused, since when, by whom and why', async () => {
    const answer = await pause({ ...PARTNER, reason: 'PARTNER_UPGRADE' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({
      pauses: [
        {
          ...PARTNER,
          since: expect.stringMatching(/^\d{4}-.*Z$/),
          by: 'anonymous',
          reason: 'PARTNER_UPGRADE',
        },
      ],
      revision: 0,
      position: expect.any(String),
    });
    expect((await service.get('/automation')).json()).toEqual(answer.json());
    expect((await service.get(`/cases?atLeast=${answer.json().position}`)).statusCode).toBe(200);
    await pause();
    expect(await stopped()).toEqual(['PARTNER_API', 'ALL']);
    expect((await service.get('/metrics')).body).toContain('\ncase_orchestrator_automation_pauses 2\n');
    expect((await resume(PARTNER)).json()).toMatchObject({
      pauses: [{ scope: 'ALL', name: null, reason: 'UNSPECIFIED' }],
      revision: 2,
    });
  });

  it('routes every task to a person until it is resumed, and says why', async () => {
    await service.post('/cases', newCase());
    expect(await outcomeOf(`${TEXT} 1`)).toEqual({ outcome: 'AUTO_SUCCESS', codes: [] });
    await pause();
    const answer = await service.post('/case-task', newTask({ description: `${TEXT} 2` }));
    expect(answer.json()).toMatchObject({
      outcome: 'MANUAL',
      manual: {
        codes: ['AUTOMATION_PAUSED'],
        reasons: [{ guardrail: 'automation-running', message: 'Automation is paused.', actual: true }],
      },
    });
    await resume();
    expect(await outcomeOf(`${TEXT} 3`)).toEqual({ outcome: 'AUTO_SUCCESS', codes: [] });
    // What is with a person stays there.
    expect(await outcomeOf(`${TEXT} 2`)).toMatchObject({ outcome: 'MANUAL' });
  });

  it.each([
    [{ scope: 'INTENT', name: 'RETRY_EXTERNAL_CALL' }, 'MANUAL'],
    [{ scope: 'BACKEND', name: 'PARTNER_API' }, 'MANUAL'],
    [{ scope: 'INTENT', name: 'ESCALATE' }, 'AUTO_SUCCESS'],
    [{ scope: 'BACKEND', name: 'CORE_SYSTEM' }, 'AUTO_SUCCESS'],
  ])('for %o lets a retry over PARTNER_API end as %s', async (target, outcome) => {
    await service.post('/cases', newCase());
    await pause(target);
    expect(await outcomeOf(`${TEXT} 1`)).toMatchObject({ outcome });
  });

  it('is seen by a verdict that is made after the answer, however long its task has been under way', async () => {
    await service.close();
    const asked = Promise.withResolvers<void>();
    const paused = Promise.withResolvers<void>();
    service = await createTestApp({
      model: async () => {
        asked.resolve();
        await paused.promise;
        return modelSays();
      },
    });
    await service.post('/cases', newCase());
    const task = outcomeOf(`${TEXT} 1`);
    await asked.promise;
    await pause();
    paused.resolve();
    expect(await task).toEqual({ outcome: 'MANUAL', codes: ['AUTOMATION_PAUSED'] });
  });
});

describe('POST /automation/pause and /resume', () => {
  it('of what is so already change nothing', async () => {
    const first = await pause();
    const again = await pause({ ...ALL, reason: 'OTHER' });
    expect([again.statusCode, again.json()]).toEqual([200, first.json()]);
    expect((await resume(PARTNER)).json()).toEqual(first.json());
    expect(await changes()).toEqual(['AutomationPaused']);
  });

  it('are repeated harmlessly under their key: an old resume does not end a newer pause', async () => {
    await pause();
    const first = await resume(ALL, { 'idempotency-key': '"r"' });
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    await pause();
    const late = await resume(ALL, { 'idempotency-key': 'r' });
    expect([late.statusCode, late.json()]).toEqual([200, first.json()]);
    expect(late.headers['idempotency-replayed']).toBe('true');
    expect(await stopped()).toEqual(['ALL']);
    expect(await changes()).toEqual(['AutomationPaused', 'AutomationResumed', 'AutomationPaused']);
  });

  it('refuse a key that came first with another request', async () => {
    await pause(ALL, { 'idempotency-key': 'k' });
    for (const answer of [
      await pause(PARTNER, { 'idempotency-key': 'k' }),
      await resume(ALL, { 'idempotency-key': 'k' }),
    ]) {
      expect(answer.statusCode).toBe(422);
      expect(answer.json()).toMatchObject({
        code: 'IDEMPOTENCY_KEY_REUSED',
        errors: [{ field: 'Idempotency-Key' }],
      });
    }
    expect(await changes()).toHaveLength(1);
  });

  it.each([
    [{}, 'scope', /./],
    [{ scope: 'CASE' }, 'scope', /ALL.*INTENT.*BACKEND/],
    [{ scope: 'ALL', name: 'PARTNER_API' }, 'name', /^must be left out with scope ALL$/],
    [{ scope: 'INTENT' }, 'name', /^is missing; it must be one of RETRY_EXTERNAL_CALL, /],
    [{ scope: 'BACKEND' }, 'name', /^is missing; it must be one of PARTNER_API, CORE_SYSTEM$/],
    [{ scope: 'BACKEND', name: '' }, 'name', /^must not be empty$/],
    [{ scope: 'BACKEND', name: 'RETRY_EXTERNAL_CALL' }, 'name', /^must be one of PARTNER_API, CORE_SYSTEM$/],
    [{ scope: 'INTENT', name: 'PARTNER_API' }, 'name', /^must be one of RETRY_EXTERNAL_CALL, /],
    [{ scope: 'BACKEND', name: 7 }, 'name', /./],
    [{ scope: 'ALL', reason: 'because of Erika' }, 'reason', /UPPER_SNAKE_CASE/],
    [{ scope: 'ALL', by: 'somebody else' }, 'body', /./],
  ])('refuse %j, naming %s', async (body, field, message) => {
    for (const send of [pause, resume]) {
      const answer = await send(body);
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({
        code: 'INVALID_INPUT',
        errors: [{ field, message: expect.stringMatching(message) }],
      });
    }
    expect(await changes()).toEqual([]);
  });

  it('by 30 at once make one event, and tell everybody of the same pause', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => pause()));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(30).fill(200));
    expect(await changes()).toEqual(['AutomationPaused']);
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
  });
});

describe('who pauses', () => {
  let guarded: AuthenticatedApp;
  beforeEach(async () => {
    guarded = await createAuthenticatedApp();
  });
  afterEach(() => guarded.close());

  it('is the authenticated caller, whose keys are its own', async () => {
    const person = await guarded.tokenOf({ sub: 'erika', roles: ['SUPERVISOR'] });
    const { text: program } = await guarded.makeKey({ actor: 'monitoring', scopes: ['operate'], roles: [] });
    const headers = { 'idempotency-key': 'k' };
    const first = await guarded.call(person, '/automation/pause', PARTNER, headers);
    const second = await guarded.call(program, '/automation/pause', ALL, headers);
    expect(second.json().pauses).toMatchObject([
      { ...PARTNER, by: 'erika' },
      { scope: 'ALL', by: 'monitoring' },
    ]);
    const repeat = await guarded.call(person, '/automation/pause', PARTNER, headers);
    expect(repeat.json()).toEqual(first.json());
    const [recorded] = (await guarded.events()).filter(({ stream }) => stream === 'automation');
    expect(JSON.parse(recorded?.metadata ?? '{}').actor).toMatchObject({
      kind: 'person',
      id: 'erika',
      authMethod: 'oidc',
    });
  });
});
