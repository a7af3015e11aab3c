import { expect } from 'vitest';
import { lastAttempt, resultOf } from '../../src/domain/attempts.ts';
import type { Case } from '../../src/domain/case.ts';
import {
  type ActionStarted,
  type CaseEvent,
  type GuardrailEvaluated,
  isTaskEvent,
  type RetryScheduled,
  type RoutedToManual,
} from '../../src/domain/events.ts';
import { evaluateGuardrails } from '../../src/domain/guardrails.ts';
import { canonicalJson } from '../../src/domain/hash.ts';
import { nextStep } from '../../src/domain/nextStep.ts';
import type { Policy } from '../../src/domain/policy.ts';
import type { Task } from '../../src/domain/task.ts';
import { factsOf, type JudgeContext } from '../../src/domain/verdicts.ts';
import { codec } from '../../src/eventstore/codec.ts';
import { type Append, grow } from './walk.ts';

/** Where nothing happens to a task any more. */
export const ENDS = ['COMPLETED', 'CANCELLED'];

function checkVerdict(policy: Policy, state: Case, event: GuardrailEvaluated): void {
  const { verdict, guardrails, facts, taskId } = event.data;
  expect(verdict === 'EXECUTE').toBe(guardrails.every((result) => result.passed));
  expect(guardrails.map((result) => result.name)).toStrictEqual(policy.guardrails.map((rule) => rule.name));
  const recorded = canonicalJson({ verdict, guardrails });
  expect(canonicalJson(evaluateGuardrails(policy, facts))).toBe(recorded);
  const stored: GuardrailEvaluated['data'] = JSON.parse(codec.encode(event).data);
  expect(canonicalJson(evaluateGuardrails(policy, stored.facts))).toBe(recorded);
  expect(canonicalJson({ verdict: stored.verdict, guardrails: stored.guardrails })).toBe(recorded);
  const { state: caseState, retryCount, lastErrorType } = state;
  expect(facts.case).toMatchObject({ state: caseState, retryCount, lastErrorType: lastErrorType ?? '' });
  expect(facts.task.userRole).toBe(state.tasks.get(taskId)?.userRole);
}

/** Rules 2 and 5: permitted just before, nothing else open, never blindly again, never again what is done. */
function checkStart(state: Case, task: Task, { data }: ActionStarted, context: JudgeContext): void {
  const { policy, playbook, now } = context;
  const { attempt, intent, backend, deadlineAt, actionId, idempotencyKey, idempotent, lookup } = data;
  const declared = context.backend(backend);
  expect(state.openTaskId).toBeNull();
  expect(context.mayStart).toBe(true);
  expect(playbook.intents[intent]?.automatable).toBe(true);
  expect(playbook.intents[intent]?.routes).toContain(backend);
  expect(policy.permissions[intent]?.routes).toContain(backend);
  expect(attempt).toBe(task.attempts.length + 1);
  expect(attempt).toBeLessThanOrEqual(policy.limits.maxAttempts ?? 0);
  expect(Date.parse(deadlineAt) - Date.parse(now)).toBe(declared.attemptMs);
  expect(declared).toMatchObject({ idempotent, lookup });
  expect(declared.available()).toBe(true);
  const known = task.attempts.map((each) => resultOf(each));
  expect(known).not.toContain('SUCCEEDED');
  if (known.includes('UNKNOWN')) {
    expect(idempotent).toBe(true);
    for (const each of task.attempts)
      expect(resultOf(each) === 'UNKNOWN' && !each.started.idempotent).toBe(false);
  }
  for (const each of task.attempts) expect(each.started).toMatchObject({ actionId, idempotencyKey });
  if (task.status === 'RETRY_SCHEDULED') expect((task.retry?.dueAt ?? '') <= now).toBe(true);
}

/** What waits may be executed now as far as the policy goes, and has something to wait for. */
function checkPause(state: Case, task: Task, { data }: RetryScheduled, context: JudgeContext): void {
  const { policy, now } = context;
  const route = task.decision?.routeTarget ?? '';
  expect(data.attempt).toBe(task.attempts.length + 1);
  expect(evaluateGuardrails(policy, factsOf(state, task, data.attempt, context)).verdict).toBe('EXECUTE');
  const pause = Date.parse(data.dueAt) - Date.parse(now);
  expect(pause).toBeGreaterThan(0);
  expect(pause).toBeLessThanOrEqual(policy.retries.longestPauseSeconds * 1_000);
  const age = Date.parse(data.dueAt) - Date.parse(task.receivedAt);
  expect(age).toBeLessThanOrEqual(policy.retries.budgetMinutes * 60_000);
  if (data.reason === 'BACKEND_UNAVAILABLE') {
    expect(context.backend(route).available()).toBe(false);
    expect(policy.retries.whenBackendDown).toBe('WAIT');
  } else expect(task.decision?.retryStrategy).toBe('BACKOFF');
}

function checkRouting(task: Task, { data: { codes } }: RoutedToManual, before: CaseEvent | undefined): void {
  expect(codes.length).toBeGreaterThan(0);
  expect(new Set(codes).size).toBe(codes.length);
  const known = task.attempts.map((each) => resultOf(each));
  expect(codes.includes('ACTION_OUTCOME_UNKNOWN')).toBe(known.includes('UNKNOWN'));
  expect(codes.includes('ACTION_FAILED')).toBe(known.at(-1) === 'FAILED');
  if (before?.type === 'GuardrailEvaluated') expect(before.data.verdict).toBe('ROUTE_TO_MANUAL');
}

function checkEvent(state: Case, append: Append, index: number): void {
  const { events, context } = append;
  const [event, before, after] = [events[index], events[index - 1], events[index + 1]];
  const task = event && isTaskEvent(event) ? state.tasks.get(event.data.taskId) : undefined;
  if (!event || !task) return;
  const { taskId } = task;
  if (event.type === 'GuardrailEvaluated') {
    checkVerdict(context.policy, state, event);
    const consequence = event.data.verdict === 'EXECUTE' ? 'ActionStarted' : 'RoutedToManual';
    expect(after).toMatchObject({ type: consequence, data: { taskId } });
  }
  if (event.type === 'ActionStarted') {
    expect(before).toMatchObject({
      type: 'GuardrailEvaluated',
      data: { taskId, verdict: 'EXECUTE', attempt: event.data.attempt, policyHash: context.policy.hash },
    });
    checkStart(state, task, event, context);
  }
  if (event.type === 'RetryScheduled') checkPause(state, task, event, context);
  if (event.type === 'RoutedToManual') checkRouting(task, event, before);
}

/** Rule 4: what is settled stays, and what is done stays done. */
const isKept = (before: Task, after: Task | undefined): boolean =>
  (before.outcome === null || after?.outcome === before.outcome) &&
  (!ENDS.includes(before.status) || after?.status === before.status) &&
  before.attempts.every(
    (attempt, index) => resultOf(attempt) !== 'SUCCEEDED' || after?.attempts[index] === attempt,
  );

/** Checks the rules that never bend (DESIGN section 3), as far as they concern the pure part, over one append. */
export function checkAppend(append: Append): void {
  const { before, events, context } = append;
  let state = before;
  events.forEach((event, index) => {
    expect(codec.encode(event).data).toBe(canonicalJson(event.data));
    checkEvent(state, append, index);
    const next = grow(state, [event], context.now);
    const changed = [...state.tasks.values()].filter((task) => !isKept(task, next.tasks.get(task.taskId)));
    expect(changed).toStrictEqual([]);
    state = next;
    const open = [...state.tasks.values()].filter((each) => lastAttempt(each)?.executed === null);
    expect(open.length).toBeLessThanOrEqual(1);
    expect(state.openTaskId).toBe(open[0]?.taskId ?? null);
  });
  const pure = context.mayStart ? ['evaluate', 'retry', 'route'] : ['retry', 'route'];
  for (const event of events)
    if (isTaskEvent(event)) expect(pure).not.toContain(nextStep(state, event.data.taskId, context.now).kind);
}
