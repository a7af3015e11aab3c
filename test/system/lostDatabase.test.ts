import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Gate, openGate } from '../support/gate.ts';
import { readMetrics } from '../support/metrics.ts';
import { askingModel, httpPlaybook, startTestService, type TestService } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { type StubModel, startStubModel } from '../support/stubModel.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let gate: Gate;
let model: StubModel;
let backend: StubBackend;
let service: TestService;

beforeAll(async () => {
  [database, model, backend] = await Promise.all([
    createTestDatabase('lost database'),
    startStubModel(),
    startStubBackend(),
  ]);
  gate = await openGate(database.url);
  service = await startTestService({
    databaseUrl: gate.url,
    playbook: httpPlaybook(backend.url),
    env: askingModel(model),
  });
  await service.openCase('C1', README_CASE);
  await service.openCase('C2', README_CASE);
});
afterAll(async () => {
  await gate?.open();
  await service?.stop();
  await gate?.close();
  await Promise.all([model?.stop(), backend?.stop(), database?.drop()]);
});

/** As /metrics counts them, which Postgres is not needed for. */
async function succeededCalls(): Promise<number | undefined> {
  const { body } = await service.get<string>('/metrics');
  return readMetrics(body).get(
    'case_orchestrator_backend_call_seconds_count{route="PARTNER_API",result="SUCCEEDED"}',
  );
}

describe('when Postgres is gone', () => {
  it('the process lives and is not ready, a task is refused, and all is well again when Postgres is back', async () => {
    await until('it is ready', async () => (await service.get('/readyz')).status === 200);
    await gate.shut();
    expect((await service.get('/healthz')).status).toBe(200);
    expect(await service.get('/readyz')).toMatchObject({ status: 503 });
    const refused = await service.task({ case_id: 'C1' });
    expect(refused).toMatchObject({ status: 503, body: { code: 'STORE_UNAVAILABLE' } });
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(model.calls()).toBe(0);

    await gate.open();
    await until('it is ready again', async () => (await service.get('/readyz')).status === 200, 15_000);
    const answer = await service.task({ case_id: 'C1' });
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'AUTO_SUCCESS' } });
  }, 30_000);

  it('what the backend answered meanwhile is recorded when Postgres is back', async () => {
    backend.delayMs = 300;
    const before = backend.calls();
    const sent = service.task({ case_id: 'C2' });
    await until('the backend is called', () => backend.calls() === before + 1);
    await gate.shut();
    await until('the backend has answered', async () => (await succeededCalls()) === 2);
    await gate.open();
    expect(await sent).toMatchObject({ status: 200, body: { outcome: 'AUTO_SUCCESS' } });
    expect(backend.calls()).toBe(before + 1);
    expect(model.calls()).toBe(2);
    const results = (await service.events('C2')).filter(({ type }) => type === 'ActionExecuted');
    expect(results).toMatchObject([{ data: { result: 'SUCCEEDED' } }]);
  }, 30_000);
});
