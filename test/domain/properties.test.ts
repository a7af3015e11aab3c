import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Case, evolve } from '../../src/domain/case.ts';
import { consequences } from '../../src/domain/consequences.ts';
import { changeState, receiveTask } from '../../src/domain/decide.ts';
import type { CaseEvent, GuardrailEvaluated } from '../../src/domain/events.ts';
import { evaluateGuardrails } from '../../src/domain/guardrails.ts';
import { canonicalJson } from '../../src/domain/hash.ts';
import { nextStep } from '../../src/domain/nextStep.ts';
import type { Playbook } from '../../src/domain/playbook.ts';
import type { Policy } from '../../src/domain/policy.ts';
import type { Signals } from '../../src/domain/signals.ts';
import { lastAttempt } from '../../src/domain/task.ts';
import { codec } from '../../src/eventstore/codec.ts';
import {
  automatingPlaybook,
  caseStates,
  decisions,
  forbiddingPlaybook,
  policies,
  priorities,
  roles,
  signals,
} from '../support/arbitraries.ts';
import {
  ATTEMPT_MS,
  caseAfter,
  executed,
  later,
  opened,
  place,
  received,
  recommended,
  taskId,
  uuid,
} from '../support/builders.ts';

const TASKS = [1, 2, 3, 4, 5, 6];
const task = fc.constantFrom(...TASKS);

/** One thing that happens to a case. What cannot happen just then is passed over. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('receive' as const), task, role: roles }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('recommend' as const),
      task,
      decision: decisions,
      source: fc.constantFrom('model' as const, 'local' as const, 'fallback' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('result' as const),
      result: fc.constantFrom('SUCCEEDED' as const, 'FAILED' as const, 'FAILED' as const, 'UNKNOWN' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('look' as const), task }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('time' as const), milliseconds: fc.nat(ATTEMPT_MS) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('state' as const), to: caseStates }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

const start = fc.record({
  priority: priorities,
  retryCount: fc.nat(4),
  lastErrorType: fc.constantFrom(null, 'TIMEOUT', 'HTTP_503'),
});

type World = { readonly policy: Policy; readonly playbook: Playbook; readonly signals: Signals };
type Append = { readonly before: Case; readonly events: readonly CaseEvent[]; readonly now: string };

/** Walks through the pure part of the loop; every append with the case before it. */
function walk(world: World, first: Case, happenings: readonly Happening[]): Append[] {
  const appends: Append[] = [];
  let current = first;
  let clock = 0;
  for (const [index, happening] of happenings.entries()) {
    if (happening.kind === 'time') clock += happening.milliseconds;
    const now = later(clock);
    const about = (n: number, effects: readonly CaseEvent[]) =>
      consequences(current, taskId(n), effects, {
        ...world,
        now,
        newActionId: uuid(index),
        backend: () => ({ attemptMs: ATTEMPT_MS, simulated: false }),
        mayStart: true,
      });
    const events = follow(current, happening, about);
    if (events.length === 0) continue;
    appends.push({ before: current, events, now });
    current = events.reduce((state, event) => evolve(state, event, place(state.revision + 1)), current);
  }
  return appends;
}

function follow(
  current: Case,
  happening: Happening,
  about: (n: number, effects: readonly CaseEvent[]) => readonly CaseEvent[],
): readonly CaseEvent[] {
  switch (happening.kind) {
    case 'receive': {
      if (current.tasks.has(taskId(happening.task))) return [];
      return receiveTask(current, received(happening.task, { userRole: happening.role })).events;
    }
    case 'recommend':
      if (current.tasks.get(taskId(happening.task))?.status !== 'RECEIVED') return [];
      return about(happening.task, [recommended(happening.task, happening.decision, happening.source)]);
    case 'result': {
      const open = TASKS.find((n) => taskId(n) === current.openTaskId);
      const action = open && lastAttempt(current.tasks.get(taskId(open)) as never)?.started;
      if (!open || !action) return [];
      const { actionId, attempt } = action;
      return about(open, [executed(happening.result, open, attempt, { actionId })]);
    }
    case 'look':
      return about(happening.task, []);
    case 'state':
      return happening.to === current.state || (happening.to === 'SUSPENDED' && current.state !== 'OPEN')
        ? []
        : changeState(current, happening.to, 'asked for', current.revision, null).events;
    case 'time':
      return [];
  }
}

const throughCodec = (event: GuardrailEvaluated): GuardrailEvaluated['data'] =>
  JSON.parse(codec.encode(event).data);

function checkVerdict(policy: Policy, event: GuardrailEvaluated): void {
  const { verdict, guardrails, facts } = event.data;
  expect(verdict === 'EXECUTE').toBe(guardrails.every((result) => result.passed));
  expect(guardrails.map((result) => result.name)).toStrictEqual(policy.guardrails.map((rule) => rule.name));
  const recorded = canonicalJson({ verdict, guardrails });
  expect(canonicalJson(evaluateGuardrails(policy, facts))).toBe(recorded);
  const stored = throughCodec(event);
  expect(canonicalJson(evaluateGuardrails(policy, stored.facts))).toBe(recorded);
  expect(canonicalJson({ verdict: stored.verdict, guardrails: stored.guardrails })).toBe(recorded);
}

function checkAppend({ policy, playbook }: World, { before, events, now }: Append): void {
  let state = before;
  events.forEach((event, index) => {
    if (event.type === 'GuardrailEvaluated') {
      checkVerdict(policy, event);
      const { facts, taskId: id } = event.data;
      const { state: caseState, retryCount } = state;
      expect(facts.case).toMatchObject({
        state: caseState,
        retryCount,
        lastErrorType: state.lastErrorType ?? '',
      });
      expect(facts.task.userRole).toBe(state.tasks.get(id)?.userRole);
      const consequence = event.data.verdict === 'EXECUTE' ? 'ActionStarted' : 'RoutedToManual';
      expect(events[index + 1]).toMatchObject({ type: consequence, data: { taskId: id } });
    }
    if (event.type === 'ActionStarted') {
      const { taskId: id, attempt, intent, backend, deadlineAt } = event.data;
      expect(events[index - 1]).toMatchObject({
        type: 'GuardrailEvaluated',
        data: { taskId: id, verdict: 'EXECUTE', attempt, policyHash: policy.hash },
      });
      expect(state.openTaskId).toBeNull();
      expect(playbook.intents[intent]?.automatable).toBe(true);
      expect(playbook.intents[intent]?.routes).toContain(backend);
      expect(policy.permissions[intent]?.routes).toContain(backend);
      expect(attempt).toBeLessThanOrEqual(policy.limits.maxAttempts ?? 0);
      expect(deadlineAt > now).toBe(true);
    }
    state = evolve(state, event, place(state.revision + 1));
    const open = [...state.tasks.values()].filter((each) => lastAttempt(each)?.executed === null);
    expect(open.length).toBeLessThanOrEqual(1);
    expect(state.openTaskId).toBe(open[0]?.taskId ?? null);
  });
  const touched = events.flatMap((event) => ('taskId' in event.data ? [event.data.taskId] : []));
  for (const id of touched) {
    expect(['evaluate', 'route', 'expire']).not.toContain(nextStep(state, id, now).kind);
  }
}

const walks = fc.tuple(policies, signals, start, fc.array(happening, { minLength: 30, maxLength: 50 }));
const inOrder = (appends: readonly Append[]) => appends.flatMap((append) => append.events);

describe('whatever happens to a case', () => {
  it('nothing is executed that the policy has not just allowed on what is known, and it can be computed again', () => {
    let actions = 0;
    fc.assert(
      fc.property(walks, ([policy, raised, open, happenings]) => {
        const world = { policy, playbook: automatingPlaybook, signals: raised };
        const appends = walk(world, caseAfter([opened(open)]), happenings);
        for (const append of appends) checkAppend(world, append);
        actions += inOrder(appends).filter((event) => event.type === 'ActionStarted').length;
      }),
      { numRuns: 300, seed: 4711 },
    );
    // Without this the property could hold because nothing ever happens.
    expect(actions).toBeGreaterThan(200);
  });

  it('an intent that is not automatable is never executed, also under a policy that permits it', () => {
    let verdicts = 0;
    fc.assert(
      fc.property(walks, ([policy, raised, open, happenings]) => {
        const world = { policy, playbook: forbiddingPlaybook, signals: raised };
        const events = inOrder(walk(world, caseAfter([opened(open)]), happenings));
        verdicts += events.filter((event) => event.type === 'GuardrailEvaluated').length;
        expect(events.map((event) => event.type)).not.toContain('ActionStarted');
      }),
      { numRuns: 200, seed: 4712 },
    );
    expect(verdicts).toBeGreaterThan(100);
  });

  it('every task comes to rest', () => {
    fc.assert(
      fc.property(walks, ([policy, raised, open, happenings]) => {
        const world = { policy, playbook: automatingPlaybook, signals: raised };
        const results = Array.from({ length: 30 }, () => ({ kind: 'result', result: 'FAILED' }) as const);
        const looks = TASKS.map((n) => ({ kind: 'look', task: n }) as const);
        const rest = results.flatMap((result) => [result, ...looks]);
        const appends = walk(world, caseAfter([opened(open)]), [...happenings, ...rest]);
        const end = caseAfter(inOrder(appends), caseAfter([opened(open)]));
        for (const each of end.tasks.values()) {
          expect(['RECEIVED', 'IN_REVIEW', 'COMPLETED', 'CANCELLED']).toContain(each.status);
          expect(each.outcome === null).toBe(
            each.status === 'RECEIVED' || (each.status === 'CANCELLED' && each.manual === null),
          );
        }
      }),
      { numRuns: 100, seed: 4713 },
    );
  });
});
