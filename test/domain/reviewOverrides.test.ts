import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/domain/decision.ts';
import type { CaseEvent } from '../../src/domain/events.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import type { DecisionSource } from '../../src/domain/vocabulary.ts';
import { automatingPlaybook } from '../support/arbitraries.ts';
import {
  calm,
  caseAfter,
  executed,
  facts,
  opened,
  playbook,
  policy,
  received,
  recommended,
  routed,
  stateChanged,
  taskId,
  uuid,
} from '../support/builders.ts';
import { claimed } from '../support/reviewBuilders.ts';
import {
  ANOTHER,
  ann,
  claimedByAnn,
  decidedOn,
  deciding,
  doubtful,
  eventsOf,
  inReview,
  RECOMMENDED,
  startedBy,
  sue,
  verdictOf,
} from './reviewing.ts';
import { given, thrownBy } from './specification.ts';

const refusal = (events: readonly CaseEvent[], command: ReturnType<typeof deciding>) =>
  thrownBy(() => command(caseAfter(events)));
/** Task 1 of a case, in review and claimed by ann, with this recommendation. */
const recommending = (changes: Partial<Decision> = {}, source: DecisionSource = 'model') => [
  opened(),
  received(),
  recommended(1, changes, source),
  routed(1, ['X']),
  claimed(1, 'ann'),
];

describe('an override', () => {
  it('is needed for each guardrail that fails, and the refusal names them all', () => {
    const signals = { ...calm, uncertain: true };
    const error = refusal(
      claimedByAnn,
      deciding('APPROVED', { overrides: ['certain'] }, { using: { signals } }),
    );
    expect(error).toMatchObject({
      code: 'GUARDRAILS_REFUSE',
      field: null,
      message: 'these guardrails refuse it: confidence (may be overridden)',
      details: { guardrails: [{ name: 'confidence', code: 'CONFIDENCE_TOO_LOW', overridable: true }] },
    });
  });
  it('is recorded where it was needed only, once, in the policy’s order', () => {
    const signals = { ...calm, uncertain: true };
    const overrides = ['certain', 'risk', 'case-open', 'confidence', 'confidence', 'automation-running'];
    given(...claimedByAnn)
      .when(deciding('APPROVED', { overrides }, { using: { signals } }))
      .thenEvents(
        decidedOn(claimedByAnn, 'APPROVED', { overrides: ['confidence', 'certain'] }, { signals }),
        verdictOf(facts({ decision: doubtful, signals }), ['confidence', 'certain']),
        startedBy('ann'),
      );
  });
  it.each(['no-such-rule', 'CONFIDENCE_TOO_LOW', '', 'constructor'])(
    'of %j is refused: it is none of the policy’s',
    (name) => {
      const error = refusal(claimedByAnn, deciding('APPROVED', { overrides: ['confidence', name] }));
      expect(error).toMatchObject({ code: 'INVALID_INPUT', field: 'overrides' });
      expect(error).toMatchObject({ message: expect.stringContaining('confidence, risk') });
    },
  );
  it.each<[string, readonly CaseEvent[], Parameters<typeof deciding>[2]]>([
    ['case-open', [...claimedByAnn, stateChanged('CLOSED')], {}],
    ['automation-running', claimedByAnn, { using: { paused: () => true } }],
    ['intent-automatable', recommending({ intent: 'ESCALATE' }), {}],
    ['route-permitted', recommending({ routeTarget: 'NOWHERE' }), {}],
  ])('of %s is refused: nobody may', (name, events, asked) => {
    const error = refusal(events, deciding('APPROVED', { overrides: ['confidence', name] }, asked));
    expect(error).toMatchObject({ code: 'GUARDRAILS_REFUSE' });
    expect(error).toMatchObject({
      details: {
        guardrails: expect.arrayContaining([expect.objectContaining({ name, overridable: false })]),
      },
    });
  });
  it('does not give a role: another person’s is needed for that', () => {
    const events = [
      opened(),
      received(1, { userRole: 'AGENT' }),
      recommended(),
      routed(1, ['ROLE_NOT_ALLOWED']),
      claimed(1, 'ann'),
    ];
    const overrides = ['role'];
    given(...events)
      .when(deciding('APPROVED', { overrides }))
      .thenEvents(
        decidedOn(events, 'APPROVED', { overrides }),
        verdictOf(facts({ task: { userRole: 'AGENT' } }), overrides),
        startedBy('ann'),
      );
    given(...events)
      .when(deciding('APPROVED', { overrides }, { by: { ...ann, roles: ['AGENT'] } }))
      .thenRefused('ROLE_NOT_HELD', null);
  });
  it('is possible of a rule that cannot be evaluated', () => {
    const source = policy.source.replace(
      'case.retryCount < limits.maxRetryCount',
      '1 / (case.retryCount - 1) > 0',
    );
    const odd = parsePolicy(source, 'policy.yaml', playbook);
    const overrides = ['confidence', 'retry-count'];
    const { events } = deciding(
      'APPROVED',
      { overrides },
      { using: { policy: odd } },
    )(caseAfter(claimedByAnn));
    expect(events).toMatchObject([
      { data: { overrides } },
      { data: { verdict: 'EXECUTE', policyHash: odd.hash, authority: { overrides } } },
      { type: 'ActionStarted' },
    ]);
  });
});

describe('EDITED', () => {
  const edited = (action: { intent: string; routeTarget: string } | null, using = {}) =>
    deciding('EDITED', { action }, { using });
  /** What is judged in place of a recommendation. */
  const judged = {
    ...ANOTHER,
    nextStep: 'AUTOMATED_EXECUTION',
    retryStrategy: 'NONE',
    riskScore: 0.1,
    confidence: 1,
    reasonCode: 'TRANSIENT_TIMEOUT_PATTERN',
    source: 'reviewer',
  } as const;

  it('is judged and started in the recommended action’s place: certain, never to be repeated by itself', () =>
    given(...claimedByAnn)
      .when(edited(ANOTHER))
      .thenEvents(
        decidedOn(claimedByAnn, 'EDITED'),
        verdictOf(facts({ decision: judged })),
        startedBy('ann', 1, { backend: 'CORE_SYSTEM' }),
      ));
  it.each<[string, number, Parameters<typeof recommending>]>([
    ['the playbook’s', 0.1, [{ riskScore: 0 }]],
    ['the recommendation’s where that is higher', 0.25, [{ riskScore: 0.25 }]],
    ['the playbook’s in place of a fallback’s', 0.1, [{ riskScore: 0.9 }, 'fallback']],
  ])('has the risk of %s', (_, riskScore, recommendation) => {
    const events = recommending(...recommendation);
    given(...events)
      .when(edited(ANOTHER))
      .thenEvents(
        decidedOn(events, 'EDITED'),
        verdictOf(facts({ decision: { ...judged, riskScore } })),
        startedBy('ann', 1, { backend: 'CORE_SYSTEM' }),
      );
  });
  it('does not make less of the risk that was seen in the task', () =>
    given(...recommending({ riskScore: 0.5 }))
      .when(edited(ANOTHER))
      .thenRefused('GUARDRAILS_REFUSE', null));
  it('takes the place of a fallback, which asked for nothing', () => {
    const fallback = {
      intent: 'MANUAL_REVIEW',
      nextStep: 'MANUAL_REVIEW',
      routeTarget: 'CORE_SYSTEM',
    } as const;
    const events = recommending({ ...fallback, riskScore: 1, confidence: 0 }, 'fallback');
    for (const action of [RECOMMENDED, ANOTHER])
      expect(edited(action)(caseAfter(events)).events).toMatchObject([
        { type: 'ReviewDecided', data: { action, overrides: [] } },
        { type: 'GuardrailEvaluated', data: { verdict: 'EXECUTE' } },
        { type: 'ActionStarted', data: { intent: action.intent, backend: action.routeTarget } },
      ]);
  });
  it('is of what is not recommended: else an unsure recommendation would need no override', () =>
    given(...claimedByAnn)
      .when(edited(RECOMMENDED))
      .thenRefused('INVALID_INPUT', 'action'));
  it('says what is to be done', () =>
    given(...claimedByAnn)
      .when(edited(null))
      .thenRefused('INVALID_INPUT', 'action'));
  it('is refused an action with APPROVED', () =>
    given(...claimedByAnn)
      .when(deciding('APPROVED', { action: RECOMMENDED }))
      .thenRefused('INVALID_INPUT', 'action'));
  it.each(['NO_SUCH_INTENT', 'constructor', '__proto__', ''])('knows no intent %j', (intent) =>
    given(...claimedByAnn)
      .when(edited({ ...ANOTHER, intent }))
      .thenRefused('INVALID_INPUT', 'action.intent'),
  );
  it.each(['NOWHERE', 'toString', ''])('knows no route %j', (routeTarget) =>
    given(...claimedByAnn)
      .when(edited({ ...ANOTHER, routeTarget }))
      .thenRefused('INVALID_INPUT', 'action.routeTarget'),
  );
  it('may not have done what the playbook never lets be executed', () => {
    const error = refusal(claimedByAnn, edited({ intent: 'MANUAL_REVIEW', routeTarget: 'CORE_SYSTEM' }));
    expect(error).toMatchObject({ code: 'GUARDRAILS_REFUSE' });
    expect(error).toMatchObject({ message: expect.stringContaining('intent-automatable') });
  });
  it('is stopped by a pause of what it is to do, not of what was recommended', () => {
    const pausedOver = (route: string) => ({ paused: (_: string, other: string) => other === route });
    given(...claimedByAnn)
      .when(edited(ANOTHER, pausedOver('CORE_SYSTEM')))
      .thenRefused('GUARDRAILS_REFUSE', null);
    expect(edited(ANOTHER, pausedOver('PARTNER_API'))(caseAfter(claimedByAnn)).events).toHaveLength(3);
  });
  it('needs a role that may have its own intent executed', () => {
    const source = JSON.stringify({
      name: 'two',
      version: '1',
      roles: ['OPS', 'SUPERVISOR', 'AGENT'],
      channels: ['SYSTEM'],
      limits: { maxAttempts: 3 },
      permissions: {
        RETRY_EXTERNAL_CALL: { roles: ['OPS'], routes: ['PARTNER_API'] },
        RESEND: { roles: ['SUPERVISOR'], routes: ['CORE_SYSTEM'] },
      },
      guardrails: [{ name: 'any', code: 'ANY', expression: 'true', message: 'any', overridable: false }],
      defaultQueue: { queue: 'all', dueMinutes: 60 },
    });
    const two = parsePolicy(source, 'two.yaml', automatingPlaybook);
    const using = { policy: two, playbook: automatingPlaybook };
    const action = { intent: 'RESEND', routeTarget: 'CORE_SYSTEM' };
    expect(refusal(claimedByAnn, deciding('EDITED', { action }, { using }))).toMatchObject({
      code: 'ROLE_NOT_HELD',
      message: 'only SUPERVISOR may have RESEND executed',
    });
    const claimedBySue = [...inReview, claimed(1, 'sue')];
    expect(deciding('EDITED', { action }, { by: sue, using })(caseAfter(claimedBySue)).events).toHaveLength(
      3,
    );
  });
  it('is an action of its own, with an id of its own; what was tried before keeps the one that it had', () => {
    const backInReview = (n: number, attempt: number): readonly CaseEvent[] => [
      executed('FAILED', 1, attempt, { actionId: uuid(n) }),
      routed(1, ['ACTION_FAILED'], 'failures', 120),
      claimed(1, 'ann'),
    ];
    const approve = (n: number) => deciding('APPROVED', {}, { using: { newActionId: uuid(n) } });
    const begin = [
      opened({ retryCount: 0 }),
      received(),
      recommended(),
      routed(1, ['CASE_NOT_OPEN']),
      claimed(1, 'ann'),
    ];
    const first = [...eventsOf(begin, approve(11)), ...backInReview(11, 1)];
    const second = [...eventsOf(first, edited(ANOTHER, { newActionId: uuid(12) })), ...backInReview(12, 2)];
    const third = eventsOf(second, approve(13));
    const starts = third.flatMap((event) => (event.type === 'ActionStarted' ? [event.data] : []));
    expect(
      starts.map(({ actionId, idempotencyKey, backend }) => [actionId, idempotencyKey, backend]),
    ).toStrictEqual([
      [uuid(11), uuid(11), 'PARTNER_API'],
      [uuid(12), uuid(12), 'CORE_SYSTEM'],
      [uuid(11), uuid(11), 'PARTNER_API'],
    ]);
    expect(caseAfter(third).openTaskId).toBe(taskId());
  });
});
