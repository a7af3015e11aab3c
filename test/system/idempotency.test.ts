import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/domain/hash.ts';
import { type Answer, README_CASE, README_TASK, type TaskAnswer } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { askingModel, httpPlaybook, startTestService, type TestService } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { CONFIDENT_RETRY, type StubModel, startStubModel } from '../support/stubModel.ts';

let database: TestDatabase;
let model: StubModel;
let backend: StubBackend;
let service: TestService;

beforeAll(async () => {
  [database, model, backend] = await Promise.all([
    createTestDatabase('idempotency'),
    startStubModel(),
    startStubBackend(),
  ]);
  service = await startTestService({
    databaseUrl: database.url,
    playbook: httpPlaybook(backend.url),
    env: askingModel(model),
  });
});
afterAll(async () => {
  await service?.stop();
  await Promise.all([model?.stop(), backend?.stop(), database?.drop()]);
});
afterEach(() => {
  model.mode = { kind: 'decision', decision: CONFIDENT_RETRY };
  model.delayMs = 0;
  backend.mode = { kind: 'status', status: 200 };
});

/** Calls of model and backend since the last look. */
function counting(): () => { readonly model: number; readonly backend: number } {
  const before = { model: model.calls(), backend: backend.calls() };
  return () => ({ model: model.calls() - before.model, backend: backend.calls() - before.backend });
}

/** An answer without what tells a repeat from the first. */
function recorded({ status, body }: Answer<TaskAnswer>): unknown {
  const { askAnew, ...rest } = body;
  return { httpStatus: status, ...rest };
}

const typesOf = async (caseId: string): Promise<string[]> =>
  (await service.events(caseId)).map(({ type }) => type);

const EXECUTED_ONCE = [
  'CaseOpened',
  'TaskReceived',
  'DecisionRecommended',
  'GuardrailEvaluated',
  'ActionStarted',
  'ActionExecuted',
];

describe('the same request again', () => {
  it('gets the recorded answer, and neither model nor backend is called', async () => {
    await service.openCase('again', README_CASE);
    const calls = counting();
    const first = await service.task({ case_id: 'again' });
    expect(first.body.outcome).toBe('AUTO_SUCCESS');
    expect(calls()).toEqual({ model: 1, backend: 1 });

    const second = await service.task({
      case_id: ' again ',
      description: `  ${README_TASK.description.toUpperCase()} `,
    });
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.body.askAnew).toContain('Idempotency-Key');
    expect(recorded(second)).toEqual(recorded(first));
    expect(calls()).toEqual({ model: 1, backend: 1 });
    expect(await typesOf('again')).toEqual(EXECUTED_ONCE);
  });

  it.each([
    ['derived from what it asks', {}],
    ['sent by the caller', { 'idempotency-key': 'import-2026-01-17/0001' }],
  ])(
    '200 times at once, its key %s: one task, one model call, one backend call, equal answers',
    async (name, headers) => {
      const case_id = `burst-${name.slice(0, 4)}`;
      await service.openCase(case_id, README_CASE);
      model.delayMs = 100;
      const calls = counting();
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => service.task({ case_id }, headers)),
      );
      expect(calls()).toEqual({ model: 1, backend: 1 });
      expect(await typesOf(case_id)).toEqual(EXECUTED_ONCE);
      expect(answers[0]).toMatchObject({ status: 200, body: { outcome: 'AUTO_SUCCESS' } });
      expect(new Set(answers.map((answer) => JSON.stringify(recorded(answer)))).size).toBe(1);
      const first = answers.filter(({ headers: sent }) => sent.get('idempotency-replayed') === null);
      expect(first.map(({ body }) => body.askAnew)).toEqual([undefined]);
    },
  );

  it('after a failed attempt, the failure stays the answer', async () => {
    await service.openCase('failed', README_CASE);
    backend.mode = { kind: 'status', status: 422 };
    const first = await service.task({ case_id: 'failed' });
    expect(first.body).toMatchObject({
      outcome: 'AUTO_FAILED',
      status: 'IN_REVIEW',
      manual: { codes: ['ACTION_FAILED'], queue: 'failures' },
    });
    backend.mode = { kind: 'status', status: 200 };
    const calls = counting();
    expect(recorded(await service.task({ case_id: 'failed' }))).toEqual(recorded(first));
    expect(calls()).toEqual({ model: 0, backend: 0 });
  });

  it('an IMMEDIATE retry is a second attempt under the same key to the backend, judged anew', async () => {
    await service.openCase('retried', { ...README_CASE, retryCount: 0 });
    model.mode = { kind: 'decision', decision: { ...CONFIDENT_RETRY, retryStrategy: 'IMMEDIATE' } };
    backend.mode = { kind: 'status', status: 422 };
    const { body } = await service.task({ case_id: 'retried' });
    expect(body).toMatchObject({ outcome: 'AUTO_FAILED', manual: { queue: 'failures' } });
    const events = await service.events('retried');
    const attempts = events.filter(({ type }) => type === 'ActionStarted').map(({ data }) => data.attempt);
    expect(attempts).toEqual([1, 2, 3]);
    const keys = backend.requests.filter(({ path }) => path.endsWith('/retried'));
    expect(new Set(keys.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(keys).toHaveLength(3);
  });
});

describe('idempotency keys', () => {
  it('that are sent and that are derived never meet', async () => {
    await service.openCase('keys', README_CASE);
    const calls = counting();
    const derived = await service.task({ case_id: 'keys' });
    const asDerived = sha256Hex(`keys|${README_TASK.description.trim().toLowerCase()}`);
    expect(derived.body.idempotencyKey).toBe(asDerived);
    const sent = await service.task({ case_id: 'keys' }, { 'idempotency-key': asDerived });
    expect(sent.headers.get('idempotency-replayed')).toBeNull();
    expect(sent.body.idempotencyKey).toBe(asDerived);
    expect(sent.body.taskId).not.toBe(derived.body.taskId);
    expect(calls()).toEqual({ model: 2, backend: 2 });
  });

  it('are the same quoted or bare, and each case has its own', async () => {
    await service.openCase('key-a', README_CASE);
    await service.openCase('key-b', README_CASE);
    const bare = await service.task({ case_id: 'key-a' }, { 'idempotency-key': 'abc' });
    const quoted = await service.task({ case_id: 'key-a' }, { 'idempotency-key': '"abc"' });
    const other = await service.task({ case_id: 'key-b' }, { 'idempotency-key': 'abc' });
    expect(quoted.headers.get('idempotency-replayed')).toBe('true');
    expect(quoted.body.taskId).toBe(bare.body.taskId);
    expect(other.headers.get('idempotency-replayed')).toBeNull();
    expect(await typesOf('key-b')).toEqual(EXECUTED_ONCE);
  });

  it.each([
    ['description', { description: 'Partner API failed again with timeout, please retry for policy 4712' }],
    ['channel', { channel: 'EMAIL' }],
    ['user_role', { user_role: 'SUPERVISOR' }],
  ])('that came first with another %s are refused by the name of that field', async (field, change) => {
    const case_id = `reused-${field}`;
    await service.openCase(case_id, README_CASE);
    const key = { 'idempotency-key': 'one-key' };
    await service.task({ case_id }, key);
    const calls = counting();
    const refused = await service.task({ case_id, ...change }, key);
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'IDEMPOTENCY_KEY_REUSED', errors: [{ field }] },
    });
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(calls()).toEqual({ model: 0, backend: 0 });
    expect(await typesOf(case_id)).toEqual(EXECUTED_ONCE);
  });

  it('that are derived do not cover channel and role: the same text over another channel is refused', async () => {
    await service.openCase('channels', README_CASE);
    await service.task({ case_id: 'channels' });
    const other = await service.task({ case_id: 'channels', channel: 'EMAIL' });
    expect(other).toMatchObject({ status: 422, body: { errors: [{ field: 'channel' }] } });
  });
});
