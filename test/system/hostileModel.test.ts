import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { README_CASE } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readMetrics } from '../support/metrics.ts';
import { askingModel, httpPlaybook, startTestService, type TestService } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { MODEL_FAILURES, type StubModel, startStubModel } from '../support/stubModel.ts';
import { clearForms, dumpTables } from '../support/tables.ts';

/** All of one recommendation; long enough that a busy machine does not make other failures look like this one. */
const MODEL_TIMEOUT_MS = 1_000;
/** A shorter raw text may stand anywhere for reasons of its own. */
const TELLING_LENGTH = 12;
const CANARY = 'canary-7c1f40d2';

let database: TestDatabase;
let model: StubModel;
let backend: StubBackend;
let service: TestService;

beforeAll(async () => {
  [database, model, backend] = await Promise.all([
    createTestDatabase('hostile model'),
    startStubModel(),
    startStubBackend(),
  ]);
  service = await startTestService({
    databaseUrl: database.url,
    playbook: httpPlaybook(backend.url),
    env: askingModel(model, MODEL_TIMEOUT_MS),
  });
});
afterAll(async () => {
  await service?.stop();
  await Promise.all([model?.stop(), backend?.stop(), database?.drop()]);
});

describe('a model that fails', () => {
  it.each(MODEL_FAILURES.map((failure, index) => ({ ...failure, caseId: `failure-${index}` })))(
    'by $name leads to a person with $reasonCode, once and for all',
    async ({ caseId, mode, reasonCode, rawText }) => {
      await service.openCase(caseId, README_CASE);
      model.mode = mode;
      const description = `Partner API timed out, please retry for policy ${CANARY}`;
      const { status, body } = await service.task({ case_id: caseId, description });
      expect({ status, outcome: body.outcome, task: body.status }).toEqual({
        status: 200,
        outcome: 'MANUAL',
        task: 'IN_REVIEW',
      });
      expect(body.decision).toEqual({
        intent: 'MANUAL_REVIEW',
        nextStep: 'MANUAL_REVIEW',
        routeTarget: 'CORE_SYSTEM',
        retryStrategy: 'NONE',
        riskScore: 0.9,
        confidence: 0,
        reasonCode,
      });
      expect(body.manual?.codes).toContain(reasonCode);

      const events = await service.events(caseId);
      expect(events.map(({ type }) => type)).toEqual([
        'CaseOpened',
        'TaskReceived',
        'DecisionRecommended',
        'GuardrailEvaluated',
        'RoutedToManual',
      ]);
      expect(events[2]?.data).toMatchObject({ source: 'fallback', model: 'gpt-5.4-mini' });
      expect(events[2]?.data.fallbackCause).toEqual(expect.any(String));
      if (rawText === null) expect(events[2]).toMatchObject({ data: { rawText: null }, personal: {} });
      else {
        expect(events[2]?.data.rawText).toEqual({ sealed: expect.any(String) });
        expect(events[2]?.personal.rawText).toContain(rawText);
      }

      const calls = model.calls();
      const again = await service.task({ case_id: caseId, description });
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      const { askAnew, ...recorded } = again.body;
      expect(recorded).toEqual(body);
      expect(model.calls()).toBe(calls);
    },
  );

  it('calls no backend, and leaves nothing that it or the task said in clear, in no table and no line of the log', async () => {
    expect(backend.calls()).toBe(0);
    const events = await service.service.store.readAll(null, 100_000);
    const tables = [await dumpTables(database.url), ...events.map(({ data }) => data)].join('\n');
    const known = clearForms('case.state == "OPEN"');
    expect(known.some((form) => tables.includes(form))).toBe(true);
    const logs = JSON.stringify(service.logs());
    const texts = MODEL_FAILURES.map(({ rawText }) => rawText).filter(
      (text): text is string => text !== null && text.length >= TELLING_LENGTH,
    );
    expect(texts.length).toBeGreaterThan(10);
    for (const form of [CANARY, ...texts].flatMap(clearForms)) {
      expect({ form, inTables: tables.includes(form), inLogs: logs.includes(form) }).toEqual({
        form,
        inTables: false,
        inLogs: false,
      });
    }
  });

  it('is counted by reason', async () => {
    const metrics = readMetrics((await service.get<string>('/metrics')).body);
    const counted = (name: string, label: string, value: string): number | undefined =>
      metrics.get(`case_orchestrator_${name}{${label}="${value}"}`);
    for (const reason of new Set(MODEL_FAILURES.map(({ reasonCode }) => reasonCode))) {
      const expected = MODEL_FAILURES.filter(({ reasonCode }) => reasonCode === reason).length;
      expect([reason, counted('fallbacks_total', 'reason', reason)]).toEqual([reason, expected]);
    }
    expect(counted('tasks_settled_total', 'outcome', 'MANUAL')).toBe(MODEL_FAILURES.length);
  });
});
