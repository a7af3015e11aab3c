import fc from 'fast-check';
import type { Case } from '../../src/domain/case.ts';
import { type Decision, NEXT_STEPS, RETRY_STRATEGIES } from '../../src/domain/decision.ts';
import type { CaseEvent } from '../../src/domain/events.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { type Policy, parsePolicy } from '../../src/domain/policy.ts';
import type { Signals } from '../../src/domain/signals.ts';
import { isFinished } from '../../src/domain/standing.ts';
import type { Task } from '../../src/domain/task.ts';
import type { BackendFacts } from '../../src/domain/verdicts.ts';
import {
  ATTEMPT_RESULTS,
  CASE_STATES,
  PRIORITIES,
  RESOLUTION_SOURCES,
  REVIEW_RESOLUTIONS,
} from '../../src/domain/vocabulary.ts';
import {
  ATTEMPT_MS,
  cancelled,
  caseAfter,
  configText,
  policy as defaultPolicy,
  erased,
  executed,
  later,
  opened,
  permitted,
  received,
  recommended,
  resolved,
  retryScheduled,
  routed,
  started,
  stateChanged,
  taskId,
} from './builders.ts';
import { outcomeReview } from './reviewBuilders.ts';
import { REVIEW_TOKENS, REVIEWERS, reviewCandidates } from './reviewCandidates.ts';

const ROLES = ['OPS', 'SUPERVISOR', 'AGENT'];
const ROUTES = ['PARTNER_API', 'CORE_SYSTEM'];

/** The default playbook with another intent that is executed, or with none that is. */
const playbookWith = (automatable: boolean) => {
  const text = configText('playbook.yaml');
  const second = `  RESEND:
    description: Send it once more.
    automatable: ${automatable}
    routes: [PARTNER_API, CORE_SYSTEM]
    defaults: { nextStep: AUTOMATED_EXECUTION, routeTarget: CORE_SYSTEM, retryStrategy: NONE, riskScore: 0.1, reasonCode: UNKNOWN }
`;
  const source = text.replace('intents:\n', `intents:\n${second}`);
  return parsePlaybook(
    automatable ? source : source.replaceAll('automatable: true', 'automatable: false'),
    'p.yaml',
  );
};
/** Where RETRY_EXTERNAL_CALL and RESEND may be executed. */
export const automatingPlaybook = playbookWith(true);
/** The same intents, none of which may be executed. */
export const forbiddingPlaybook = playbookWith(false);
const INTENTS = Object.keys(automatingPlaybook.intents);

/** A number in [0, 1], its ends and its neighbours of the usual limits often among them. */
const share = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(0, 1, 0.3, 0.30000000000000004, 0.8, 0.7999999999999999, 5e-324, -0),
);

const odd = [
  'true',
  'case.retryCount / (case.retryCount - 1) >= 0',
  'limits.roles[0] == task.userRole',
  'case.lastErrorType == "" || case.lastErrorType.startsWith("HTTP")',
  'limits.routes.exists(route, route == decision.routeTarget)',
  'case.priority != "CRITICAL" || decision.confidence > limits.minConfidence',
  'decision.source != "fallback"',
];

const rules = fc
  .uniqueArray(fc.constantFrom(...defaultPolicy.guardrails.map((rule) => rule.expression), ...odd), {
    minLength: 1,
    maxLength: 5,
  })
  .map((expressions) =>
    expressions.map((expression, index) => ({
      name: `rule-${index}`,
      code: `CODE_${index}`,
      expression,
      message: 'Not so.',
      overridable: index % 2 === 0,
    })),
  );

/** The usual value four times out of five. */
export const mostly = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

const permission = () =>
  fc.record({ roles: mostly(ROLES, fc.subarray(ROLES)), routes: mostly(ROUTES, fc.subarray(ROUTES)) });

const retries = fc.oneof(
  fc.constant({}),
  fc.record({
    firstPauseSeconds: fc.constantFrom(0.1, 2, 30),
    longestPauseSeconds: fc.constantFrom(30, 300),
    budgetMinutes: fc.constantFrom(0.1, 1, 10),
    whenBackendDown: fc.constantFrom('WAIT', 'MANUAL'),
  }),
);

/** Policies of every kind, as a file would have them. */
export const policies: fc.Arbitrary<Policy> = fc
  .record({
    name: fc.constant('arbitrary'),
    version: fc.string({ minLength: 1, maxLength: 4 }).filter((text) => text.isWellFormed()),
    roles: fc.constant(ROLES),
    channels: fc.constant(['SYSTEM']),
    limits: fc.record({
      minConfidence: mostly(0.8, share),
      maxRiskScore: mostly(0.3, share),
      maxRetryCount: mostly(5, fc.nat(5)),
      maxAttempts: fc.integer({ min: 1, max: 4 }),
    }),
    permissions: fc.record(
      { RETRY_EXTERNAL_CALL: permission(), RESEND: permission() },
      { requiredKeys: ['RETRY_EXTERNAL_CALL'] },
    ),
    guardrails: rules,
    retries,
    queues: fc.constantFrom([], [{ queue: 'first', dueMinutes: 5, codes: ['CODE_0', 'ACTION_FAILED'] }]),
    defaultQueue: fc.constant({ queue: 'all', dueMinutes: 60 }),
  })
  // JSON is YAML 1.2.

  .map((source) => {
    const text = JSON.stringify(source);
    // A counterexample shows the source, not every rule's compiled form.
    return Object.assign(parsePolicy(text, 'arbitrary.yaml', automatingPlaybook), {
      [fc.toStringMethod]: () => text,
    });
  });

/** Decisions, mostly such as may be executed; some that the contract would refuse. */
const decisions: fc.Arbitrary<Decision> = fc.record({
  intent: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('RETRY_EXTERNAL_CALL', 'RESEND') },
    { weight: 1, arbitrary: fc.constantFrom(...INTENTS, 'constructor', '__proto__', '') },
  ),
  nextStep: mostly(NEXT_STEPS[0], fc.constantFrom(...NEXT_STEPS)),
  routeTarget: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ROUTES) },
    { weight: 1, arbitrary: fc.constantFrom('NOWHERE', 'toString') },
  ),
  retryStrategy: fc.constantFrom('IMMEDIATE', 'BACKOFF', ...RETRY_STRATEGIES),
  riskScore: mostly(0.1, share),
  confidence: mostly(0.9, share),
  reasonCode: fc.constantFrom('UNKNOWN', 'AI_TIMEOUT'),
});

/** Mostly decisions that many policies let be executed, and tried again. */
export const usefulDecisions: fc.Arbitrary<Decision> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      intent: fc.constant('RETRY_EXTERNAL_CALL'),
      nextStep: fc.constant(NEXT_STEPS[0]),
      routeTarget: fc.constantFrom(...ROUTES),
      retryStrategy: fc.constantFrom('IMMEDIATE', 'BACKOFF', ...RETRY_STRATEGIES),
      riskScore: fc.constant(0.1),
      confidence: fc.constant(0.9),
      reasonCode: fc.constant('UNKNOWN'),
    }),
  },
  { weight: 1, arbitrary: decisions },
);

const seldom = fc.nat(9).map((n) => n === 0);
export const signals: fc.Arbitrary<Signals> = fc.record({
  negated: seldom,
  uncertain: seldom,
  severalRequests: seldom,
  instructsSystem: seldom,
});
export const priorities = fc.constantFrom(...PRIORITIES);
export const caseStates = fc.constantFrom(...CASE_STATES);
export const roles = mostly('OPS', fc.constantFrom(...ROLES, 'NOBODY'));

export const routes = fc.constantFrom(...ROUTES);
/** What a backend is: mostly up, and declared in every way. */
export const backends: fc.Arbitrary<BackendFacts> = fc.record({
  attemptMs: fc.constantFrom(1_500, ATTEMPT_MS),
  simulated: fc.boolean(),
  idempotent: mostly(true, fc.constant(false)),
  lookup: fc.boolean(),
  available: mostly(true, fc.constant(false)).map((up) => () => up),
});
export const results = fc.constantFrom(...ATTEMPT_RESULTS);
const sources = fc.constantFrom(...RESOLUTION_SOURCES);

const TOKENS = ['receive', 'recommend', 'start', 'execute', 'resolve', 'pause', 'route'] as const;
const RARE_TOKENS = ['cancel', 'state', 'erase'] as const;
const tokens = fc.record({
  kind: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...TOKENS) },
    { weight: 1, arbitrary: fc.constantFrom(...RARE_TOKENS) },
    { weight: 5, arbitrary: fc.constantFrom(...REVIEW_TOKENS) },
  ),
  task: fc.integer({ min: 1, max: 3 }),
  pick: fc.nat(12),
  result: mostly('UNKNOWN', results),
  source: sources,
  strategy: fc.constantFrom(...RETRY_STRATEGIES),
  declared: fc.record({ idempotent: mostly(true, fc.constant(false)), lookup: fc.boolean() }),
  milliseconds: fc.nat(60_000),
  state: fc.constantFrom(...CASE_STATES),
  reviewer: fc.constantFrom(...REVIEWERS),
  resolution: fc.constantFrom(...REVIEW_RESOLUTIONS),
  isFirst: fc.boolean(),
});
type Token = typeof tokens extends fc.Arbitrary<infer T> ? T : never;

/** What an event about a task could be, whether or not it is possible just then. */
function candidates(current: Case, token: Token): readonly CaseEvent[] {
  const { kind, task, result, source } = token;
  const next = (current.tasks.get(taskId(task))?.attempts.length ?? 0) + 1;
  switch (kind) {
    case 'receive':
      return [received(task)];
    case 'recommend':
      return [recommended(task, { retryStrategy: token.strategy })];
    case 'start':
      return [permitted(task, next), started(task, next, token.declared)];
    case 'execute':
      return [executed(result, task, next - 1)];
    case 'resolve':
      return [
        resolved(result, task, 1 + (token.pick % Math.max(1, next - 1)), {
          source,
          review: source === 'REVIEWER' ? outcomeReview(token.reviewer) : null,
        }),
      ];
    case 'pause':
      return [retryScheduled(task, next, { dueAt: later(token.milliseconds) })];
    case 'route':
      return [routed(task, ['X'])];
    case 'cancel':
      return [cancelled(task)];
    case 'state':
      return [stateChanged(token.state)];
    case 'erase':
      // Seldom enough: nothing comes after it, but what becomes known late.
      return token.pick === 0 ? [stateChanged('CLOSED'), ...cancellations(current), erased()] : [];
    default:
      return reviewCandidates(current, { ...token, kind }, next);
  }
}

const cancellations = (current: Case): CaseEvent[] =>
  [1, 2, 3].filter((n) => isOpen(current.tasks.get(taskId(n)))).map((n) => cancelled(n, 'CASE_ERASED'));
const isOpen = (task: Task | undefined): boolean => task !== undefined && !isFinished(task);

/** Every stream of a case that the fold lets be, also such as the orchestrator would never write; CaseOpened first. */
export const streams: fc.Arbitrary<readonly CaseEvent[]> = fc
  .array(tokens, { minLength: 40, maxLength: 140, size: 'max' })
  .map((all) => {
    const events: CaseEvent[] = [opened()];
    let current = caseAfter(events);
    for (const token of all) {
      for (const event of candidates(current, token)) {
        const after = caseOrNull(current, event);
        if (!after) break;
        current = after;
        events.push(event);
      }
    }
    return events;
  });

function caseOrNull(current: Case, event: CaseEvent): Case | null {
  try {
    return caseAfter([event], current);
  } catch {
    return null;
  }
}
