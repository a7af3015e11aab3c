import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readMetrics } from '../support/metrics.ts';
import { askingModel, httpPlaybook, startTestService, type TestService } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { CONFIDENT_RETRY, type StubModel, startStubModel } from '../support/stubModel.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let model: StubModel;
let backend: StubBackend;
let service: TestService;

beforeAll(async () => {
  [database, model, backend] = await Promise.all([
    createTestDatabase('operations'),
    startStubModel(),
    startStubBackend(),
  ]);
  service = await startTestService({
    databaseUrl: database.url,
    playbook: httpPlaybook(backend.url),
    env: askingModel(model),
  });
  for (const caseId of ['good', 'manual', 'failed', 'late', 'refused', 'twice']) {
    await service.openCase(caseId, README_CASE);
  }
});
afterAll(async () => {
  await service?.stop();
  await Promise.all([model?.stop(), backend?.stop(), database?.drop()]);
});

const metrics = async (): Promise<ReadonlyMap<string, number>> => {
  const { status, headers, body } = await service.get<string>('/metrics');
  expect({ status, type: headers.get('content-type') }).toEqual({
    status: 200,
    type: expect.stringContaining('text/plain'),
  });
  return readMetrics(body);
};

describe('/metrics', () => {
  it('tells what an operator asks first', async () => {
    await service.task({ case_id: 'good' });
    await service.task({ case_id: 'manual', user_role: 'AGENT' });
    backend.mode = { kind: 'status', status: 404 };
    await service.task({ case_id: 'failed' });
    backend.mode = { kind: 'status', status: 500 };
    await service.task({ case_id: 'late' });
    backend.mode = { kind: 'status', status: 200 };
    model.mode = { kind: 'status', status: 401 };
    await service.task({ case_id: 'refused' });
    model.mode = { kind: 'decision', decision: CONFIDENT_RETRY };
    await service.task({ case_id: 'good' });

    const seen = await metrics();
    const names = [
      'tasks_settled_total{outcome="AUTO_SUCCESS"}',
      'tasks_settled_total{outcome="MANUAL"}',
      'tasks_settled_total{outcome="AUTO_FAILED"}',
      'fallbacks_total{reason="AI_UNAVAILABLE"}',
      'recommendation_seconds_count{source="model"}',
      'recommendation_seconds_count{source="fallback"}',
      'backend_call_seconds_count{route="PARTNER_API",result="SUCCEEDED"}',
      'backend_call_seconds_count{route="PARTNER_API",result="FAILED"}',
      'backend_call_seconds_count{route="PARTNER_API",result="UNKNOWN"}',
      'append_conflicts_total',
      'tasks_in_flight',
      'parked_cases',
    ];
    expect(names.map((name) => [name, seen.get(`case_orchestrator_${name}`)])).toEqual([
      ['tasks_settled_total{outcome="AUTO_SUCCESS"}', 1],
      ['tasks_settled_total{outcome="MANUAL"}', 2],
      ['tasks_settled_total{outcome="AUTO_FAILED"}', 2],
      ['fallbacks_total{reason="AI_UNAVAILABLE"}', 1],
      ['recommendation_seconds_count{source="model"}', 4],
      ['recommendation_seconds_count{source="fallback"}', 1],
      ['backend_call_seconds_count{route="PARTNER_API",result="SUCCEEDED"}', 1],
      ['backend_call_seconds_count{route="PARTNER_API",result="FAILED"}', 1],
      ['backend_call_seconds_count{route="PARTNER_API",result="UNKNOWN"}', 1],
      ['append_conflicts_total', 0],
      ['tasks_in_flight', 0],
      ['parked_cases', 0],
    ]);
    await until('the read models have caught up', async () => {
      return (await metrics()).get('case_orchestrator_projection_lag_positions') === 0;
    });
    const waiting = [...(await metrics())].filter(([name]) =>
      name.startsWith('case_orchestrator_reviews_waiting'),
    );
    expect(waiting.reduce((sum, [, count]) => sum + count, 0)).toBe(4);
    expect(waiting).toContainEqual(['case_orchestrator_reviews_waiting{queue="security"}', 0]);
  });

  it('counts what is in flight, and appends that another writer was faster than', async () => {
    model.delayMs = 300;
    const before = model.calls();
    const sent = service.task({ case_id: 'twice', description: 'Timeout at the partner, please retry' });
    await until('the model is asked', () => model.calls() === before + 1);
    expect((await metrics()).get('case_orchestrator_tasks_in_flight')).toBe(1);
    // Two services on one log know nothing of each other's queues.
    const other = await startTestService({
      databaseUrl: database.url,
      playbook: httpPlaybook(backend.url),
      env: askingModel(model),
    });
    try {
      const notes = Array.from({ length: 40 }, (_, n) =>
        (n % 2 === 0 ? service : other).post('/cases/twice/notes', { text: `note ${n}` }),
      );
      expect((await Promise.all(notes)).map(({ status }) => status)).toEqual(notes.map(() => 201));
      const counted = [service, other].map(async (one) =>
        readMetrics((await one.get<string>('/metrics')).body).get('case_orchestrator_append_conflicts_total'),
      );
      const [mine = 0, others = 0] = await Promise.all(counted);
      expect(mine + others).toBeGreaterThan(0);
    } finally {
      model.delayMs = 0;
      await other.stop();
    }
    expect((await sent).body.outcome).toBe('AUTO_SUCCESS');
  });
});

describe('a poison event', () => {
  it('parks its case: the log, the metrics and readiness tell, and the rest goes on', async () => {
    expect((await service.get('/readyz')).body).toMatchObject({
      status: 'ready',
      projections: { leads: true, parkedCases: 0 },
    });
    const { store } = service.service;
    const events = await store.readStream('case-refused', 0, 100);
    const metadata = events[0]?.metadata ?? '';
    const id = uuidv7();
    const poison = { id, type: 'CaseStateChanged', data: '{"from":"OPEN"}', metadata };
    await store.append('case-refused', events.length - 1, [poison]);

    await until(
      'the case is parked',
      async () => (await metrics()).get('case_orchestrator_parked_cases') === 1,
    );
    const { status, body } = await service.get('/readyz');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { projections: { leads: true, parkedCases: 1 } },
    });
    const alarms = service.logs().filter(({ level }) => level >= 50);
    expect(alarms).toMatchObject([
      { stream: 'case-refused', revision: events.length, code: 'MALFORMED_EVENT' },
    ]);

    const answer = await service.task({ case_id: 'good', description: 'Timeout, please retry policy 12' });
    const tasks = await service.get(`/tasks?caseId=good&atLeast=${answer.body.position}`);
    expect(tasks.body).toMatchObject({ tasks: [{ taskId: answer.body.taskId }, {}] });
  });

  it('of later code stops the projection and readiness instead', async () => {
    const { store } = service.service;
    const [first] = await store.readStream('case-late', 0, 1);
    const events = await store.readStream('case-late', 0, 100);
    const later = { id: uuidv7(), type: 'CaseMerged', data: '{}', metadata: first?.metadata ?? '' };
    await store.append('case-late', events.length - 1, [later]);
    await until('readiness ends', async () => (await service.get('/readyz')).status === 503);
    expect((await service.get('/readyz')).body).toMatchObject({
      code: 'NOT_READY',
      detail: 'projections have stopped: event type CaseMerged is not known to this version',
    });
    expect((await service.get('/healthz')).status).toBe(200);
    expect((await service.task({ case_id: 'good' })).status).toBe(200);
  });
});
