import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ChildService, startChildService, temporaryFile } from '../support/childService.ts';
import { README_CASE, type TaskAnswer } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { askingModel, httpPlaybook } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { type StubModel, startStubModel } from '../support/stubModel.ts';
import { until } from '../support/until.ts';

const DONE = ['TaskReceived', 'DecisionRecommended', 'GuardrailEvaluated', 'ActionStarted', 'ActionExecuted'];
const LONG_MS = 20_000;
/** Of a backend call; its attempt's deadline is a second later. */
const BACKEND_TIMEOUT_MS = 1_500;
/** What a process may take after SIGTERM at most, whatever is in flight. */
const STOP_BOUND_MS = 15_000;

let database: TestDatabase;
let model: StubModel;
let backend: StubBackend;
let playbook: Awaited<ReturnType<typeof temporaryFile>>;
let service: ChildService;

const start = (): Promise<ChildService> =>
  startChildService({
    ...askingModel(model, LONG_MS),
    DATABASE_URL: database.url,
    PLAYBOOK: playbook.path,
  });

beforeAll(async () => {
  [database, model, backend] = await Promise.all([
    createTestDatabase('recovery'),
    startStubModel(),
    startStubBackend(),
  ]);
  playbook = await temporaryFile(
    'playbook.yaml',
    httpPlaybook(backend.url, { timeoutMs: BACKEND_TIMEOUT_MS, idempotent: false }),
  );
});
afterAll(async () => {
  await Promise.all([model?.stop(), backend?.stop(), playbook?.remove(), database?.drop()]);
});
beforeEach(async () => {
  service = await start();
});
afterEach(async () => {
  model.delayMs = 0;
  backend.delayMs = 0;
  await service?.end('SIGKILL');
});

/** Sends a task whose answer the test does not wait for; null when the process was killed first. */
const send = (case_id: string, description?: string): Promise<{ status: number; body: TaskAnswer } | null> =>
  service.task(description === undefined ? { case_id } : { case_id, description }).catch(() => null);

/** The task of a case once it is settled. */
const settled = async (caseId: string): Promise<{ status: string; outcome: string }> => {
  const body = await until(`the task of ${caseId} ends`, async () => {
    const answer = await service.get<{ tasks: { status: string; outcome: string | null }[] }>(
      `/cases/${caseId}`,
    );
    const [task] = answer.body.tasks;
    return task?.outcome ? { status: task.status, outcome: task.outcome } : null;
  });
  return body;
};

const typesOf = async (caseId: string): Promise<string[]> =>
  (await service.events(caseId)).map(({ type }) => type);

const calledAgain = (): number => [...backend.callsPerKey().values()].filter((calls) => calls > 1).length;

describe('a process that is killed', () => {
  it('while model and backend answer, and again right after its start: everything goes on, nothing is done twice', async () => {
    const caseIds = ['model-1', 'model-2', 'model-3'];
    for (const caseId of ['backend-1', ...caseIds]) await service.openCase(caseId, README_CASE);
    const before = { model: model.calls(), backend: backend.calls() };
    backend.delayMs = LONG_MS;
    const sent = [send('backend-1')];
    await until('the backend is called', () => backend.calls() === before.backend + 1);
    model.delayMs = LONG_MS;
    sent.push(...caseIds.map((caseId) => send(caseId)));
    await until('the model is asked', () => model.calls() === before.model + 1 + caseIds.length);
    await service.end('SIGKILL');
    expect(await Promise.all(sent)).toEqual([null, null, null, null]);
    service = await start();
    await service.end('SIGKILL');

    model.delayMs = 0;
    backend.delayMs = 0;
    service = await start();
    for (const caseId of caseIds) {
      expect(await settled(caseId)).toEqual({ status: 'COMPLETED', outcome: 'AUTO_SUCCESS' });
      expect(await typesOf(caseId)).toEqual(['CaseOpened', ...DONE]);
    }
    expect(await settled('backend-1')).toEqual({ status: 'IN_REVIEW', outcome: 'AUTO_FAILED' });
    const events = await service.events('backend-1');
    expect(events.slice(-2)).toMatchObject([
      { type: 'ActionExecuted', data: { result: 'UNKNOWN', errorType: 'DEADLINE_PASSED' } },
      { type: 'RoutedToManual', data: { codes: ['ACTION_OUTCOME_UNKNOWN'], queue: 'failures' } },
    ]);
    const [started, executed] = events.slice(-3);
    expect(String(executed?.metadata.recordedAt) >= String(started?.data.deadlineAt)).toBe(true);
    expect((await service.get('/cases/backend-1')).body).toMatchObject({
      retryCount: 2,
      lastErrorType: 'DEADLINE_PASSED',
    });
    expect(backend.calls()).toBe(before.backend + 1 + caseIds.length);
    const again = await service.task({ case_id: 'model-1' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.outcome).toBe('AUTO_SUCCESS');
    expect(calledAgain()).toBe(0);
  }, 30_000);

  it('in the middle of many tasks: each that was received ends, and no backend call is made twice', async () => {
    const caseIds = Array.from({ length: 8 }, (_, index) => `burst-${index}`);
    for (const caseId of caseIds) await service.openCase(caseId, README_CASE);
    model.delayMs = 20;
    backend.delayMs = 60;
    const before = backend.calls();
    const sent = caseIds.flatMap((caseId) =>
      Array.from({ length: 5 }, (_, index) =>
        send(caseId, `Partner API timed out, please retry for policy ${index}`),
      ),
    );
    await until('some calls were made', () => backend.calls() >= before + 12);
    await service.end('SIGKILL');
    const answered = (await Promise.all(sent)).filter((answer) => answer !== null);

    model.delayMs = 0;
    backend.delayMs = 0;
    service = await start();
    const unfinished = ['RECEIVED', 'DECIDED', 'EXECUTING', 'OUTCOME_UNKNOWN'];
    await until('nothing is unfinished', async () => {
      const ready = await service.get('/readyz');
      const lists = await Promise.all(
        unfinished.map((status) => service.get<{ tasks: unknown[] }>(`/tasks?status=${status}`)),
      );
      return ready.status === 200 && lists.every(({ body }) => body.tasks.length === 0);
    });
    for (const { body } of answered) {
      const { body: now } = await service.get<TaskAnswer>(`/tasks/${body.taskId}`);
      expect({ outcome: now.outcome, decision: now.decision }).toEqual({
        outcome: body.outcome,
        decision: body.decision,
      });
    }
    const events = (await Promise.all(caseIds.map((caseId) => service.events(caseId)))).flat();
    const count = (type: string): number => events.filter((event) => event.type === type).length;
    expect(count('TaskReceived')).toBeGreaterThanOrEqual(12);
    expect(count('ActionExecuted')).toBe(count('ActionStarted'));
    expect(backend.calls() - before).toBeLessThanOrEqual(count('ActionStarted'));
    expect(calledAgain()).toBe(0);
  }, 30_000);
});

describe('a process that is told to stop', () => {
  it('while model and backend answer: it ends in time, records what the backend says, and leaves no fallback', async () => {
    for (const caseId of ['stopped-model', 'stopped-backend']) await service.openCase(caseId, README_CASE);
    backend.delayMs = 1_000;
    const before = { model: model.calls(), backend: backend.calls() };
    const acting = send('stopped-backend');
    await until('the backend is called', () => backend.calls() === before.backend + 1);
    model.delayMs = LONG_MS;
    const sent = send('stopped-model');
    await until('the model is asked', () => model.calls() === before.model + 2);
    const told = performance.now();
    expect(await service.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - told).toBeLessThan(STOP_BOUND_MS);
    expect(await sent).toMatchObject({ status: 202, body: { outcome: null, status: 'RECEIVED' } });
    await acting;

    model.delayMs = 0;
    backend.delayMs = 0;
    service = await start();
    expect(await typesOf('stopped-backend')).toEqual(['CaseOpened', ...DONE]);
    for (const caseId of ['stopped-backend', 'stopped-model']) {
      expect(await settled(caseId)).toEqual({ status: 'COMPLETED', outcome: 'AUTO_SUCCESS' });
    }
    const decisions = (await service.events('stopped-model')).filter(
      ({ type }) => type === 'DecisionRecommended',
    );
    expect(decisions).toMatchObject([{ data: { source: 'model', fallbackCause: null } }]);
    expect(backend.calls()).toBe(before.backend + 2);
  }, 30_000);
});
