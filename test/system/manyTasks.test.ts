import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Case, emptyCase, evolve } from '../../src/domain/case.ts';
import type { CaseEvent, GuardrailEvaluated } from '../../src/domain/events.ts';
import { evaluateGuardrails } from '../../src/domain/guardrails.ts';
import { canonicalJson } from '../../src/domain/hash.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import { factsOf } from '../../src/domain/verdicts.ts';
import { configText, context } from '../support/builders.ts';
import { type Answer, type EventView, README_CASE, type TaskAnswer } from '../support/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { askingModel, httpPlaybook, startTestService, type TestService } from '../support/service.ts';
import { type StubBackend, startStubBackend } from '../support/stubBackend.ts';
import { type StubModel, startStubModel } from '../support/stubModel.ts';

const TASKS = 50;
const CASE_ID = 'crowded';

let database: TestDatabase;
let model: StubModel;
let backend: StubBackend;
let service: TestService;
let source: string;
let answers: Answer<TaskAnswer>[];
let events: EventView[];

beforeAll(async () => {
  [database, model, backend] = await Promise.all([
    createTestDatabase('many tasks'),
    startStubModel(),
    startStubBackend(),
  ]);
  source = httpPlaybook(backend.url);
  service = await startTestService({
    databaseUrl: database.url,
    playbook: source,
    env: askingModel(model),
  });
  await service.openCase(CASE_ID, README_CASE);
  model.delayMs = 800;
  answers = await Promise.all(
    Array.from({ length: TASKS }, (_, index) =>
      service.task({
        case_id: CASE_ID,
        description: `Partner API timed out, please retry for policy ${4000 + index}`,
      }),
    ),
  );
  events = await service.events(CASE_ID);
}, 60_000);
afterAll(async () => {
  await service?.stop();
  await Promise.all([model?.stop(), backend?.stop(), database?.drop()]);
});

describe('50 tasks at once on one case, with a model that takes 800 ms', () => {
  it('asks the model exactly 50 times, not one after the other', () => {
    expect(model.calls()).toBe(TASKS);
    expect(model.peak()).toBeGreaterThan(TASKS / 5);
  });

  it('settles each of them once, and calls the backend once for each that was executed', () => {
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const executed = answers.filter(({ body }) => body.outcome === 'AUTO_SUCCESS');
    expect(executed).toHaveLength(TASKS);
    expect([...backend.callsPerKey().values()]).toEqual(executed.map(() => 1));
    expect(backend.peak()).toBe(1);
  });

  it('never has two actions open, at any revision', () => {
    let open: unknown = null;
    for (const { type, data, revision } of events) {
      if (type === 'ActionStarted') {
        expect({ revision, open }).toEqual({ revision, open: null });
        open = data.actionId;
      }
      if (type === 'ActionExecuted') {
        expect(data.actionId).toBe(open);
        open = null;
      }
    }
    expect(open).toBeNull();
  });

  it('judges every task by the case as it was right before the verdict, and again with the same bytes', () => {
    const playbook = parsePlaybook(source, 'playbook.yaml');
    const policy = parsePolicy(configText('policy.yaml'), 'policy.yaml', playbook);
    let current: Case = emptyCase(CASE_ID);
    let verdicts = 0;
    for (const view of events) {
      const event = { type: view.type, data: view.data } as unknown as CaseEvent;
      if (event.type === 'GuardrailEvaluated') {
        verdicts += 1;
        expect(canonicalJson(event.data.facts)).toBe(canonicalJson(factsRightNow(current, event)));
        const { verdict, guardrails } = evaluateGuardrails(policy, event.data.facts);
        expect(canonicalJson({ verdict, guardrails })).toBe(
          canonicalJson({ verdict: event.data.verdict, guardrails: event.data.guardrails }),
        );
      }
      current = evolve(current, event, {
        id: view.id,
        revision: view.revision,
        position: 0n,
        recordedAt: String(view.metadata.recordedAt),
        actorId: 'test',
      });
    }
    expect(verdicts).toBe(TASKS);

    function factsRightNow(state: Case, { data }: GuardrailEvaluated): ReturnType<typeof factsOf> {
      const task = state.tasks.get(data.taskId);
      if (!task) throw new Error(`no task ${data.taskId}`);
      return factsOf(state, task, data.attempt, context({ policy, playbook, signals: data.facts.signals }));
    }
  });
});
