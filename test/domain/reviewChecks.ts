import { expect } from 'vitest';
import { resultOf } from '../../src/domain/attempts.ts';
import {
  type ActionStarted,
  type GuardrailEvaluated,
  isTaskEvent,
  type ReviewDecided,
  type ReviewedAction,
} from '../../src/domain/events.ts';
import type { Facts } from '../../src/domain/facts.ts';
import { evaluateGuardrails, limitsFor } from '../../src/domain/guardrails.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import { codec } from '../../src/eventstore/codec.ts';
import { differing, type Happened } from './reviewContent.ts';
import { SUBMITTER } from './reviewHappenings.ts';
import type { Other } from './reviewLedger.ts';
import type { Try } from './reviewWalk.ts';

const isSame = (a: ReviewedAction | null, b: ReviewedAction | null): boolean =>
  JSON.stringify([a?.intent, a?.routeTarget]) === JSON.stringify([b?.intent, b?.routeTarget]);

/** What was shown, or what was asked for in its place. */
const wanted = ({ asked, view }: Try): ReviewedAction =>
  (asked.resolution === 'APPROVED' ? view.recommended : asked.action) ??
  expect.fail('an approval of nothing');

/** The facts that an approval is to be judged by, put together here once more. */
function factsOf({ task, current, context, asked, ...rest }: Try): Facts {
  const { decision, decisionSource } = task;
  if (!decision || !decisionSource || !current.opened) return expect.fail('judged before its decision');
  const action = wanted({ task, current, context, asked, ...rest });
  const spec = context.playbook.intents[action.intent];
  const seen = decisionSource === 'fallback' ? 0 : decision.riskScore;
  const edited = {
    ...action,
    nextStep: 'AUTOMATED_EXECUTION',
    retryStrategy: 'NONE',
    riskScore: Math.max(spec?.defaults.riskScore ?? 1, seen),
    confidence: 1,
    reasonCode: spec?.defaults.reasonCode ?? '',
    source: 'reviewer',
  } as const;
  return {
    decision: asked.resolution === 'APPROVED' ? { ...decision, source: decisionSource } : edited,
    case: {
      state: current.state,
      priority: current.opened.priority,
      retryCount: current.retryCount,
      lastErrorType: current.lastErrorType ?? '',
    },
    task: { channel: task.channel, userRole: task.userRole, attempt: task.attempts.length + 1 },
    signals: context.signals,
    automation: { paused: context.paused(action.intent, action.routeTarget) },
    limits: limitsFor(context.policy, context.playbook, action.intent),
  };
}

function needsTwo({ context }: Try, facts: Facts, overrides: number): boolean {
  const { intents, riskAbove, overridesFrom } = context.policy.reviews.fourEyes;
  const { intent, riskScore } = facts.decision;
  return (
    intents.includes(intent) ||
    riskScore > riskAbove ||
    (overridesFrom !== undefined && overrides >= overridesFrom)
  );
}

/** Who approves is known, has a role for it, and is not who asked for it. */
function checkPerson({ by, context }: Try, { intent }: ReviewedAction): void {
  expect(by.kind).toBe('person');
  expect(by.id).not.toBe(SUBMITTER.id);
  expect(context.policy.permissions[intent]?.roles.some((role) => by.roles.includes(role))).toBe(true);
}

/** Rule 5: nothing else is open, nothing is done that may have been done, and the same keeps its id. */
function checkStart(
  { task, current, context, by }: Try,
  action: ReviewedAction,
  { data }: ActionStarted,
): void {
  expect({ intent: data.intent, routeTarget: data.backend }).toStrictEqual(action);
  expect(data.authority).toStrictEqual({ kind: 'reviewer', reviewer: by.id });
  expect(data.attempt).toBe(task.attempts.length + 1);
  expect(current.openTaskId).toBeNull();
  const backend = context.backend(action.routeTarget);
  expect(backend.available()).toBe(true);
  for (const attempt of task.attempts) {
    const { intent, backend: routeTarget, actionId, idempotent } = attempt.started;
    const isThis = isSame({ intent, routeTarget }, action);
    expect(actionId === data.actionId).toBe(isThis);
    expect(resultOf(attempt)).not.toBe('SUCCEEDED');
    if (resultOf(attempt) === 'UNKNOWN')
      expect([isThis, idempotent, backend.idempotent]).toStrictEqual([true, true, true]);
  }
}

function checkVerdict(
  tried: Try,
  facts: Facts,
  overrides: readonly string[],
  { data }: GuardrailEvaluated,
): void {
  const { policy } = tried.context;
  expect(data).toMatchObject({ verdict: 'EXECUTE', attempt: facts.task.attempt });
  expect(data.policyHash).toBe(tried.view.content.policy);
  expect(data.playbookHash).toBe(tried.view.content.playbook);
  expect(data.facts).toStrictEqual(facts);
  expect(data.authority).toStrictEqual({ kind: 'reviewer', reviewer: tried.by.id, overrides });
  const { verdict, guardrails } = data;
  expect({ verdict, guardrails }).toStrictEqual(evaluateGuardrails(policy, facts, overrides));
}

/** An approval, the words for it. */
function checkApproval(tried: Try, decided: ReviewDecided['data']): readonly string[] {
  const { asked, by, context, content, first, outcome } = tried;
  if (outcome instanceof RefusedError) return expect.fail('it was refused');
  const [, verdict, start] = outcome.events;
  const action = wanted(tried);
  const facts = factsOf(tried);
  const failed = evaluateGuardrails(context.policy, facts).guardrails.filter(({ passed }) => !passed);
  expect(decided.action).toStrictEqual(action);
  expect(isSame(action, tried.view.recommended)).toBe(asked.resolution === 'APPROVED');
  expect(decided.overrides).toStrictEqual(failed.map(({ name }) => name));
  for (const { name, overridable } of failed)
    expect([overridable, asked.overrides.includes(name)]).toStrictEqual([true, true]);
  checkPerson(tried, action);
  const stands = content.approval !== '' ? first : null;
  const isSecond = stands !== null && stands.data.reviewer !== by.id && isSame(stands.data.action, action);
  const two = needsTwo(tried, facts, failed.length);
  expect(decided.awaitsSecond).toBe(two && !isSecond);
  const lapsed = first !== null && stands === null ? ['lapsed'] : [];
  if (decided.awaitsSecond) {
    expect(outcome.events).toHaveLength(1);
    return ['first of two', ...(stands ? ['another first'] : []), ...lapsed];
  }
  expect(outcome.events).toHaveLength(3);
  if (verdict?.type !== 'GuardrailEvaluated' || start?.type !== 'ActionStarted')
    return expect.fail('no start');
  checkVerdict(tried, facts, decided.overrides, verdict);
  checkStart(tried, action, start);
  const again = start.data.attempt > 1 ? [`${asked.resolution} again`] : [];
  const overridden = failed.length > 0 ? ['with overrides'] : [];
  return [`${asked.resolution} and ran`, ...(two ? ['four eyes'] : []), ...lapsed, ...again, ...overridden];
}

/** Whoever may decide now: the holder of a claim that runs, of a task that waits. */
const mayDecide = ({ task, holder, by, context }: Try): boolean =>
  task.status === 'IN_REVIEW' && holder !== null && holder.reviewer === by.id && context.now < holder.until;

/** Checks one try to decide; what it was, in words. */
export function checkTry(tried: Try): readonly string[] {
  const { outcome, view, content, hash, asked, by, n } = tried;
  const changed = differing(view.content, content);
  if (tried.task.status === 'IN_REVIEW')
    expect([changed, hash === view.hash]).toStrictEqual([changed, changed.length === 0]);
  if (outcome instanceof RefusedError) {
    if (outcome.code !== 'REVIEW_STALE') return [`refused: ${outcome.code}`];
    expect(changed).not.toStrictEqual([]);
    return changed.map((part) => `stale: ${part}`);
  }
  if (outcome.replayed) {
    expect(outcome.events).toStrictEqual([]);
    return ['repeated'];
  }
  expect([mayDecide(tried), changed]).toStrictEqual([true, []]);
  const [decided] = outcome.events;
  if (decided?.type !== 'ReviewDecided') return expect.fail('no decision');
  const { reviewer, resolution, reviewedHash, reviewedRevision } = decided.data;
  expect({ reviewer, resolution, reviewedHash, reviewedRevision }).toStrictEqual({
    reviewer: by.id,
    resolution: asked.resolution,
    reviewedHash: view.hash,
    reviewedRevision: view.revision,
  });
  for (const event of outcome.events) {
    expect(JSON.parse(codec.encode(event).data)).toStrictEqual(JSON.parse(JSON.stringify(event.data)));
    expect(isTaskEvent(event) && event.data.taskId.endsWith(String(n))).toBe(true);
  }
  if (resolution === 'APPROVED' || resolution === 'EDITED') return checkApproval(tried, decided.data);
  expect(outcome.events).toHaveLength(1);
  return [resolution];
}

/** Nothing but a decision has anything done to a task that a person has: no deadline, no result, no other command. */
export function checkOther({ before, events }: Other): readonly string[] {
  for (const event of events) {
    if (event.type !== 'ActionStarted') continue;
    expect(event.data.authority).toStrictEqual({ kind: 'policy' });
    expect(before.tasks.get(event.data.taskId)?.review ?? null).toBeNull();
  }
  return events.map(({ type }) => type);
}

/** Over the whole stream: one attempt for one decision, just before it; each deadline passes once. */
export function checkLog(log: readonly Happened[], tries: readonly Try[]): void {
  const events = log.map(({ event }) => event);
  const begun = events.flatMap((event, at) =>
    event.type === 'ActionStarted' && event.data.authority.kind === 'reviewer' ? [at] : [],
  );
  for (const at of begun)
    expect([events[at - 2]?.type, events[at - 1]?.type]).toStrictEqual([
      'ReviewDecided',
      'GuardrailEvaluated',
    ]);
  const ran = tries.filter(
    ({ outcome }) => !(outcome instanceof RefusedError) && outcome.events.length === 3,
  );
  expect(begun).toHaveLength(ran.length);
  const passed = events.flatMap((event) =>
    event.type === 'ReviewOverdue' ? [`${event.data.taskId} ${event.data.dueBy}`] : [],
  );
  expect(new Set(passed).size).toBe(passed.length);
}
