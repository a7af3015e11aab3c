import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consequences } from '../../src/domain/consequences.ts';
import type { CaseEvent } from '../../src/domain/events.ts';
import { canonicalJson } from '../../src/domain/hash.ts';
import type { Policy } from '../../src/domain/policy.ts';
import { shadowDifference, shadowVerdict } from '../../src/domain/shadow.ts';
import {
  automatingPlaybook,
  backends,
  forbiddingPlaybook,
  policies,
  priorities,
  signals,
} from '../support/arbitraries.ts';
import {
  caseAfter,
  context,
  evaluated,
  facts,
  opened,
  playbook,
  received,
  recommended,
  taskId,
} from '../support/builders.ts';
import {
  EXECUTING_TEXT,
  REFUSING_TEXT,
  shadowPolicy,
  THROWING_TEXT,
  withoutShadow,
} from '../support/shadows.ts';
import { happenings } from './happenings.ts';
import { reviewHappenings } from './reviewHappenings.ts';
import { createReviewWalk } from './reviewWalk.ts';
import { createWalk, type World } from './walk.ts';

const [executing, refusing, throwing] = [EXECUTING_TEXT, REFUSING_TEXT, THROWING_TEXT].map((text) =>
  shadowPolicy(text),
) as [Policy, Policy, Policy];
const shadows = fc.oneof(fc.constantFrom(executing, refusing, throwing), policies);

const judged = (confidence: number, shadow: Policy | null): CaseEvent[] =>
  consequences(
    caseAfter([opened(), received(), recommended(1, { confidence })]),
    taskId(),
    [],
    context({ shadow }),
  );
const shadowIn = (events: readonly CaseEvent[]) =>
  events.flatMap((event) => (event.type === 'GuardrailEvaluated' ? [event.data.shadow] : []));

describe('a shadow policy', () => {
  it('that executes everything has nothing executed that the policy in force sends to a person', () => {
    const events = judged(0.5, executing);
    expect(events.map(({ type }) => type)).toStrictEqual(['GuardrailEvaluated', 'RoutedToManual']);
    expect(shadowIn(events)).toMatchObject([{ verdict: 'EXECUTE', policyHash: executing.hash }]);
    expect(events.map(withoutShadow)).toStrictEqual(judged(0.5, null));
  });
  it('that refuses everything has everything executed as before', () => {
    const events = judged(0.95, refusing);
    expect(events.map(({ type }) => type)).toStrictEqual(['GuardrailEvaluated', 'ActionStarted']);
    expect(shadowIn(events)).toMatchObject([{ verdict: 'ROUTE_TO_MANUAL', policyVersion: 'refusing' }]);
    expect(events.map(withoutShadow)).toStrictEqual(judged(0.95, null));
  });
  it('whose rule throws has failed, and nothing else has', () => {
    const events = judged(0.95, throwing);
    expect(shadowIn(events)[0]?.guardrails.at(-1)).toMatchObject({ name: 'only', passed: false });
    expect(shadowIn(events)[0]?.guardrails.at(-1)?.error).not.toBeNull();
    expect(events.map(withoutShadow)).toStrictEqual(judged(0.95, null));
  });
  it('is held against limits of its own, and against nothing else of its own', () => {
    const shadow = shadowPolicy(EXECUTING_TEXT.replace('maxAttempts: 1000000', 'maxAttempts: 1'));
    const over = facts({ task: { attempt: 2 } });
    const said = shadowVerdict(shadow, playbook, over, []);
    expect(said.limits).toStrictEqual({
      maxAttempts: 1,
      automatable: true,
      roles: ['OPS', 'SUPERVISOR', 'AGENT'],
      routes: ['PARTNER_API', 'CORE_SYSTEM'],
    });
    expect(said.guardrails.filter(({ passed }) => !passed).map(({ code }) => code)).toStrictEqual([
      'ATTEMPT_LIMIT_REACHED',
    ]);
  });
  it('cannot have an intent executed that the playbook lets nobody execute', () => {
    const shadow = shadowPolicy(EXECUTING_TEXT, automatingPlaybook);
    expect(shadowVerdict(shadow, forbiddingPlaybook, facts(), []).verdict).toBe('ROUTE_TO_MANUAL');
  });
});

describe('how it differs', () => {
  const differing = (verdict: 'EXECUTE' | 'ROUTE_TO_MANUAL', shadow: Policy, by: 'policy' | 'reviewer') => {
    const { data } = evaluated();
    const authority =
      by === 'policy' ? ({ kind: by } as const) : { kind: by, reviewer: 'ann', overrides: ['only'] };
    const said = shadowVerdict(shadow, playbook, data.facts, []);
    return shadowDifference({ ...data, verdict, authority, shadow: said });
  };
  it.each([
    ['ROUTE_TO_MANUAL', executing, 'policy', 'WOULD_EXECUTE'],
    ['EXECUTE', refusing, 'policy', 'WOULD_ROUTE'],
    ['EXECUTE', refusing, 'reviewer', 'WOULD_REFUSE'],
    ['EXECUTE', executing, 'policy', 'NONE'],
    ['ROUTE_TO_MANUAL', refusing, 'policy', 'NONE'],
  ] as const)('from %s of the policy in force', (verdict, shadow, by, difference) => {
    expect(differing(verdict, shadow, by)).toBe(difference);
  });
  it('is not known without one', () => {
    expect(shadowDifference(evaluated().data)).toBeNull();
  });
});

describe('whatever happens to a case', () => {
  const walks = fc.record({
    policy: policies,
    shadow: shadows,
    signals,
    backends: fc.record({ PARTNER_API: backends, CORE_SYSTEM: backends }),
    open: fc.record({ priority: priorities, retryCount: fc.nat(4) }),
    happening: fc.array(happenings, { minLength: 20, maxLength: 50, size: 'max' }),
  });
  const eventsOf = (
    world: World,
    open: object,
    happening: Parameters<ReturnType<typeof createWalk>['happen']>[0][],
  ) => {
    const walk = createWalk(world, caseAfter([opened(open)]));
    for (const each of happening) walk.happen(each);
    return walk.appends.flatMap(({ events }) => events);
  };

  it('what a shadow policy says is the only thing that differs from a log without one', () => {
    const differences = new Set<string | null>();
    fc.assert(
      fc.property(walks, ({ shadow, open, happening, ...rest }) => {
        const world = { ...rest, playbook: automatingPlaybook };
        const beside = eventsOf({ ...world, shadow }, open, happening);
        for (const event of beside) {
          if (event.type !== 'GuardrailEvaluated') continue;
          differences.add(shadowDifference(event.data));
          const again = shadowVerdict(shadow, automatingPlaybook, event.data.facts, []);
          expect(canonicalJson(event.data.shadow)).toBe(canonicalJson(again));
        }
        expect(beside.map(withoutShadow)).toStrictEqual(eventsOf(world, open, happening));
      }),
      { numRuns: 150, seed: 4901 },
    );
    expect(differences).toStrictEqual(new Set(['NONE', 'WOULD_EXECUTE', 'WOULD_ROUTE']));
  });

  it('nor does it change what a reviewer is shown, what the hash of that is, and what is decided', () => {
    const differences = new Set<string | null>();
    const happening = fc.array(reviewHappenings, { minLength: 40, maxLength: 80, size: 'max' });
    fc.assert(
      fc.property(happening, fc.constantFrom(executing, refusing), (happened, shadow) => {
        const [beside, alone] = [shadow, null].map((each) => {
          const walk = createReviewWalk(each);
          for (const one of happened) walk.happen(one);
          return walk.log.map(({ event }) => event);
        }) as [CaseEvent[], CaseEvent[]];
        for (const event of beside)
          if (event.type === 'GuardrailEvaluated') differences.add(shadowDifference(event.data));
        expect(beside.map(withoutShadow)).toStrictEqual(alone);
      }),
      { numRuns: 60, seed: 4902 },
    );
    expect(differences).toContain('WOULD_REFUSE');
  });
});
