import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policy } from '../support/builders.ts';
import { README_CASE, type TaskAnswer } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startTestService, type TestService } from '../support/service.ts';

type AuditEntry = { readonly id: string; readonly outcome: string; readonly created_at: string };

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createTestDatabase('main job');
  service = await startTestService({ databaseUrl: database.url });
  await service.openCase('C1001', README_CASE);
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});

describe('the README task, with the default playbook and the local recommender', () => {
  let answer: TaskAnswer;

  beforeAll(async () => {
    const { status, body, headers } = await service.task();
    expect({ status, replayed: headers.get('idempotency-replayed') }).toEqual({
      status: 200,
      replayed: null,
    });
    answer = body;
  });

  it('is executed, and the answer lists every guardrail of the policy', () => {
    expect(answer).toMatchObject({
      outcome: 'AUTO_SUCCESS',
      status: 'COMPLETED',
      caseId: 'C1001',
      manual: null,
      simulated: true,
      decision: { intent: 'RETRY_EXTERNAL_CALL', reasonCode: 'TRANSIENT_TIMEOUT_PATTERN' },
    });
    expect(answer.guardrails.map(({ name, passed }) => [name, passed])).toEqual(
      policy.guardrails.map(({ name }) => [name, true]),
    );
    expect(answer.idempotencyKey).toMatch(/^[0-9a-f]{64}$/);
    expect(answer).not.toHaveProperty('askAnew');
  });

  it('has its events in order, each caused by the one before, under one correlation id', async () => {
    const events = await service.events('C1001');
    expect(events.map((event) => [event.revision, event.type])).toEqual([
      [0, 'CaseOpened'],
      [1, 'TaskReceived'],
      [2, 'DecisionRecommended'],
      [3, 'GuardrailEvaluated'],
      [4, 'ActionStarted'],
      [5, 'ActionExecuted'],
    ]);
    const ofTask = events.slice(1);
    expect(ofTask.map((event) => event.metadata.correlationId)).toEqual(ofTask.map(() => answer.taskId));
    expect(ofTask.map((event) => event.metadata.causationId)).toEqual([
      null,
      ...ofTask.slice(0, -1).map((event) => event.id),
    ]);
    expect(events.map((event) => event.metadata.prevHash)).toEqual([
      null,
      ...events.slice(0, -1).map((event) => event.metadata.hash),
    ]);
    const times = events.map((event) => String(event.metadata.recordedAt));
    expect(times).toEqual(times.toSorted());
    expect(events.map((event) => event.personal)).toEqual([
      {},
      { description: 'Partner API failed again with timeout, please retry for policy 4711' },
      {},
      {},
      {},
      {},
    ]);
    expect(events[1]?.metadata.actor).toEqual({
      kind: 'anonymous',
      id: 'anonymous',
      roles: [],
      authMethod: 'none',
    });
    expect(events[5]?.data).toMatchObject({ result: 'SUCCEEDED', simulated: true, attempt: 1 });
  });

  it('is in every read model as soon as a client asks for its position', async () => {
    const atLeast = `atLeast=${answer.position}`;
    const events = await service.events('C1001');
    expect((await service.get(`/audit/C1001?${atLeast}`)).body).toEqual({
      case_id: 'C1001',
      entries: [
        {
          id: events[5]?.id,
          case_id: 'C1001',
          outcome: 'AUTO_SUCCESS',
          intent: 'RETRY_EXTERNAL_CALL',
          route_target: 'PARTNER_API',
          confidence: answer.decision?.confidence,
          created_at: events[5]?.metadata.recordedAt,
        },
      ],
    });
    expect((await service.get(`/audit?actor=anonymous&outcome=AUTO_SUCCESS&${atLeast}`)).body).toMatchObject({
      entries: [{ taskId: answer.taskId, caseId: 'C1001', actor: 'anonymous' }],
      next: null,
    });
    expect((await service.get(`/tasks?status=COMPLETED&${atLeast}`)).body).toMatchObject({
      tasks: [{ taskId: answer.taskId, outcome: 'AUTO_SUCCESS', attempts: 1, decisionSource: 'local' }],
      next: null,
    });
    expect((await service.get(`/cases?${atLeast}`)).body).toMatchObject({
      cases: [{ caseId: 'C1001', state: 'OPEN', retryCount: 0, lastErrorType: null, revision: 5 }],
      next: null,
    });
    expect((await service.get(`/reviews?${atLeast}`)).body).toEqual({ reviews: [], next: null });
  });

  it('is there in the stream at once: the task and its case', async () => {
    expect((await service.get(`/tasks/${answer.taskId}`)).body).toMatchObject({
      status: 'COMPLETED',
      revision: answer.revision,
      verdicts: [{ verdict: 'EXECUTE', attempt: 1, policyHash: policy.hash }],
      attempts: [{ attempt: 1, backend: 'PARTNER_API', result: 'SUCCEEDED', simulated: true }],
    });
    const { headers, body } = await service.get('/cases/C1001');
    expect(headers.get('etag')).toBe('"5"');
    expect(body).toMatchObject({ retryCount: 0, lastErrorType: null, tasks: [{ taskId: answer.taskId }] });
  });

  it('refuses to wait for a position of another store', async () => {
    const foreign = Buffer.from('3f0c1e0c-0000-4000-8000-000000000000:1').toString('base64url');
    expect(await service.get(`/audit/C1001?atLeast=${foreign}`)).toMatchObject({
      status: 400,
      body: {
        code: 'INVALID_INPUT',
        errors: [{ field: 'atLeast', message: 'is a position of another store' }],
      },
    });
  });
});

describe('a task that the policy does not let through', () => {
  it('goes to a person, with what each rule saw and what it requires', async () => {
    const before = await service.events('C1001');
    const description = 'Partner API failed again with timeout, but do not retry for policy 4711';
    const { status, body } = await service.task({ description, user_role: 'AGENT' });
    expect({ status, outcome: body.outcome, task: body.status }).toEqual({
      status: 200,
      outcome: 'MANUAL',
      task: 'IN_REVIEW',
    });
    const failed = body.guardrails.filter(({ passed }) => !passed).map(({ name }) => name);
    expect(failed).toEqual(expect.arrayContaining(['role', 'not-negated']));
    expect(body.manual?.reasons.map(({ guardrail }) => guardrail)).toEqual(failed);
    expect(body.manual?.codes).toEqual(expect.arrayContaining(['ROLE_NOT_ALLOWED', 'TEXT_NEGATED']));
    expect(body.manual?.reasons.find(({ guardrail }) => guardrail === 'role')).toEqual({
      guardrail: 'role',
      message: 'This role may not have this intent executed.',
      actual: 'AGENT',
      required: 'in [OPS, SUPERVISOR]',
    });

    const added = (await service.events('C1001')).slice(before.length);
    expect(added.map(({ type }) => type)).toEqual([
      'TaskReceived',
      'DecisionRecommended',
      'GuardrailEvaluated',
      'RoutedToManual',
    ]);
    const reviews = await service.get(`/reviews?atLeast=${body.position}`);
    expect(reviews.body).toMatchObject({
      reviews: [{ taskId: body.taskId, queue: body.manual?.queue, codes: body.manual?.codes }],
      next: null,
    });
    expect((await service.get(`/reviews/${body.taskId}`)).body).toMatchObject({
      description,
      outcome: 'MANUAL',
      manual: body.manual,
      attempts: [],
    });
    const audit = await service.get<{ entries: AuditEntry[] }>('/audit/C1001');
    expect(audit.body.entries.map(({ outcome }) => outcome)).toEqual(['MANUAL', 'AUTO_SUCCESS']);
  });

  it('is not executed for a suspended case, and its state is among the facts', async () => {
    await service.openCase('C1002', README_CASE);
    const suspended = await service.post('/cases/C1002/suspend', {}, { 'if-match': '"0"' });
    expect(suspended.status).toBe(200);
    const { body } = await service.task({ case_id: 'C1002' });
    expect(body).toMatchObject({ outcome: 'MANUAL', manual: { codes: ['CASE_NOT_OPEN'] } });
    const verdict = (await service.events('C1002')).find(({ type }) => type === 'GuardrailEvaluated');
    expect(verdict?.data).toMatchObject({
      verdict: 'ROUTE_TO_MANUAL',
      facts: { case: { state: 'SUSPENDED', retryCount: 1, lastErrorType: 'TIMEOUT', priority: 'MEDIUM' } },
    });
  });
});
