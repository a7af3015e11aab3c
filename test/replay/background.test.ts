import { afterAll, beforeAll, expect, it } from 'vitest';
import type { VerificationReport } from '../../src/replay/report.ts';
import { README_CASE, README_TASK } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('background verification');
  const before = await startTestService({ databaseUrl: database.url });
  await before.openCase('C1001', README_CASE);
  await before.task(README_TASK);
  await before.stop();
  service = await startTestService({ databaseUrl: database.url, env: { VERIFY_EVERY_HOURS: '1' } });
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});

it('a running service verifies its log by itself, tells the result and measures it', async () => {
  const report = await until('the log is verified', async () => {
    const answer = await service.get<VerificationReport>('/verification');
    return answer.status === 200 && answer.body;
  });
  expect(report).toMatchObject({ result: 'CLEAN', cases: 1, verdicts: 1 });
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  expect(metrics).toContain('case_orchestrator_verification_mismatches 0');
  expect(service.logs().map(({ msg }) => msg)).toContain('the log is verified');
});

it('a service that is stopped in the middle ends at once, and says nothing of it', async () => {
  await service.stop();
  const slow = await startTestService({
    databaseUrl: database.url,
    env: { VERIFY_EVERY_HOURS: '1', VERIFY_EVENTS_PER_SECOND: '1' },
  });
  await slow.stop();
  expect(slow.logs().filter(({ level }) => level >= 40)).toStrictEqual([]);
});
