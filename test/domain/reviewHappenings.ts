import fc from 'fast-check';
import { RETRY_STRATEGIES, type RetryStrategy } from '../../src/domain/decision.ts';
import type { Actor, ReviewedAction } from '../../src/domain/events.ts';
import type { Playbook } from '../../src/domain/playbook.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { type Policy, parsePolicy } from '../../src/domain/policy.ts';
import {
  ATTEMPT_RESULTS,
  type AttemptResult,
  CASE_STATES,
  type CaseState,
  type DecisionSource,
  PAUSE_SCOPES,
  type PauseScope,
  REVIEW_RESOLUTIONS,
  type ReviewResolution,
} from '../../src/domain/vocabulary.ts';
import { automatingPlaybook, mostly, routes } from '../support/arbitraries.ts';
import { policy as defaultPolicy } from '../support/builders.ts';

/** Tasks of the case. */
export const TASKS = [1, 2, 3];

/** The default policy with another block `fourEyes`, room for many attempts, and an intent more. */
const policyWith = (fourEyes: string, more = ''): Policy =>
  parsePolicy(
    defaultPolicy.source
      .replace(/fourEyes:\n( {4}.*\n)+/, `fourEyes: ${fourEyes}\n`)
      .replace('maxAttempts: 3', 'maxAttempts: 6')
      .replace('maxRetryCount: 3', 'maxRetryCount: 4')
      .replace('["RETRY_EXTERNAL_CALL"]', '["RETRY_EXTERNAL_CALL", "RESEND"]')
      .replace(
        'permissions:\n',
        'permissions:\n  RESEND: { roles: [SUPERVISOR, OPS], routes: [PARTNER_API, CORE_SYSTEM] }\n',
      )
      .concat(more),
    'policy.yaml',
    automatingPlaybook,
  );
/** The last one differs from the first in its text alone. */
export const POLICIES: readonly Policy[] = [
  policyWith('{ overridesFrom: 1 }'),
  policyWith('{ intents: [RESEND], riskAbove: 0.5 }'),
  policyWith('{}'),
  policyWith('{ overridesFrom: 1 }', '\n# The same.\n'),
];
export const PLAYBOOKS: readonly Playbook[] = [
  automatingPlaybook,
  parsePlaybook(`${automatingPlaybook.source}\n# The same.\n`, 'p.yaml'),
];

const person = (id: string, ...roles: readonly string[]): Actor => ({
  kind: 'person',
  id,
  roles,
  authMethod: 'oidc',
});
/** Who has submitted every task. */
export const SUBMITTER = person('eve', 'OPS');
export const REVIEWERS: readonly Actor[] = [
  person('ann', 'OPS'),
  person('bob', 'OPS', 'AGENT'),
  person('sue', 'SUPERVISOR'),
];
const OTHERS: readonly Actor[] = [
  SUBMITTER,
  person('zoe', 'AGENT'),
  { kind: 'anonymous', id: 'anonymous', roles: ['OPS', 'SUPERVISOR'], authMethod: 'none' },
];

/** One thing that happens to a case. What cannot happen just then is passed over. */
export type ReviewHappening =
  /** A task comes in and has its recommendation. */
  | {
      readonly kind: 'arrive';
      readonly risk: number;
      readonly confidence: number;
      readonly route: string;
      readonly retryStrategy: RetryStrategy;
      readonly source: DecisionSource;
    }
  /** Whoever called the backend for the open attempt has its result. */
  | { readonly kind: 'result'; readonly result: AttemptResult }
  /** Late news of some attempt. */
  | {
      readonly kind: 'late';
      readonly pick: number;
      readonly result: AttemptResult;
      readonly isLookup: boolean;
    }
  /** Somebody reads a review, and remembers it. */
  | { readonly kind: 'view'; readonly task: number }
  | { readonly kind: 'claim'; readonly task: number; readonly by: Actor; readonly takeover: boolean }
  | { readonly kind: 'release'; readonly task: number; readonly by: Actor }
  /** Somebody decides on something that was read: 0 is what was read last. */
  | {
      readonly kind: 'decide';
      readonly task: number;
      readonly by: Actor;
      readonly view: number;
      readonly resolution: ReviewResolution;
      readonly action: ReviewedAction;
      readonly overrides: boolean;
      /** In the name of whoever has the task, if somebody has. */
      readonly asHolder: boolean;
      /** Claims it first, or tries to. */
      readonly claims: boolean;
      /** Reads it anew just before. */
      readonly reads: boolean;
      /** Below 8: an idempotency key. */
      readonly key: number;
    }
  /** A decision that came with a key comes once more. */
  | { readonly kind: 'again'; readonly pick: number }
  | {
      readonly kind: 'outcome';
      readonly task: number;
      readonly by: Actor;
      readonly view: number;
      readonly attempt: number;
      readonly result: Exclude<AttemptResult, 'UNKNOWN'>;
    }
  | { readonly kind: 'policy'; readonly pick: number }
  | { readonly kind: 'playbook'; readonly pick: number }
  | { readonly kind: 'signals'; readonly uncertain: boolean }
  | { readonly kind: 'pause'; readonly scope: PauseScope | null; readonly route: string }
  | { readonly kind: 'state'; readonly to: CaseState }
  | { readonly kind: 'note' }
  | { readonly kind: 'backend'; readonly route: string; readonly up: boolean; readonly idempotent: boolean }
  | { readonly kind: 'time'; readonly minutes: number }
  | { readonly kind: 'look'; readonly task: number };

const task = fc.constantFrom(...TASKS);
const by = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...REVIEWERS) },
  { weight: 1, arbitrary: fc.constantFrom(...OTHERS) },
);
const view = mostly(0, fc.nat(4));
const kind = <const Kind extends ReviewHappening['kind']>(name: Kind) => fc.constant(name);
const either = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
/** Compared with what is recorded, so plain. */
const action = fc
  .record({
    intent: fc.constantFrom('RETRY_EXTERNAL_CALL', 'RESEND', 'MANUAL_REVIEW'),
    routeTarget: routes,
  })
  .map((each): ReviewedAction => ({ ...each }));

const byPeople = [
  either(12, fc.record({ kind: kind('view'), task })),
  either(4, fc.record({ kind: kind('claim'), task, by, takeover: fc.boolean() })),
  either(1, fc.record({ kind: kind('release'), task, by })),
  either(
    24,
    fc.record({
      kind: kind('decide'),
      task,
      by,
      view,
      resolution: fc.oneof(
        either(6, fc.constantFrom('APPROVED' as const, 'EDITED' as const)),
        either(1, fc.constantFrom(...REVIEW_RESOLUTIONS)),
      ),
      action,
      overrides: mostly(true, fc.constant(false)),
      asHolder: fc.boolean(),
      claims: mostly(true, fc.constant(false)),
      reads: fc.boolean(),
      key: fc.nat(40),
    }),
  ),
  either(1, fc.record({ kind: kind('again'), pick: fc.nat(4) })),
  either(
    3,
    fc.record({
      kind: kind('outcome'),
      task,
      by,
      view,
      attempt: fc.integer({ min: 1, max: 3 }),
      result: fc.constantFrom('SUCCEEDED' as const, 'FAILED' as const, 'FAILED' as const),
    }),
  ),
] as const;

export const reviewHappenings: fc.Arbitrary<ReviewHappening> = fc.oneof(
  ...byPeople,
  either(
    4,
    fc.record({
      kind: kind('arrive'),
      risk: fc.constantFrom(0.1, 0.2, 0.7),
      confidence: fc.constantFrom(0.5, 0.5, 0.95),
      route: routes,
      retryStrategy: fc.constantFrom(...RETRY_STRATEGIES),
      source: mostly('model' as const, fc.constant('fallback' as const)),
    }),
  ),
  either(
    8,
    fc.record({ kind: kind('result'), result: fc.constantFrom(...ATTEMPT_RESULTS, 'FAILED' as const) }),
  ),
  either(
    1,
    fc.record({
      kind: kind('late'),
      pick: fc.nat(8),
      result: fc.constantFrom(...ATTEMPT_RESULTS),
      isLookup: fc.boolean(),
    }),
  ),
  either(1, fc.record({ kind: kind('policy'), pick: fc.nat(POLICIES.length - 1) })),
  either(1, fc.record({ kind: kind('playbook'), pick: fc.nat(PLAYBOOKS.length - 1) })),
  either(1, fc.record({ kind: kind('signals'), uncertain: mostly(false, fc.constant(true)) })),
  either(
    1,
    fc.record({ kind: kind('pause'), scope: mostly(null, fc.constantFrom(...PAUSE_SCOPES)), route: routes }),
  ),
  either(1, fc.record({ kind: kind('state'), to: mostly('OPEN', fc.constantFrom(...CASE_STATES)) })),
  either(1, fc.record({ kind: kind('note') })),
  either(
    1,
    fc.record({
      kind: kind('backend'),
      route: routes,
      up: mostly(true, fc.constant(false)),
      idempotent: fc.boolean(),
    }),
  ),
  either(1, fc.record({ kind: kind('time'), minutes: fc.constantFrom(1, 10, 31, 500) })),
  either(2, fc.record({ kind: kind('look'), task })),
);
