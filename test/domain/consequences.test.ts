import { describe, expect, it } from 'vitest';
import { consequences } from '../../src/domain/consequences.ts';
import type { CaseEvent } from '../../src/domain/events.ts';
import type { BackendFacts } from '../../src/domain/verdicts.ts';
import {
  ATTEMPT_MS,
  backendFacts,
  calm,
  caseAfter,
  context,
  evaluated,
  executed,
  facts,
  later,
  opened,
  permitted,
  received,
  recommended,
  routed,
  started,
  stateChanged,
  taskId,
  uuid,
} from '../support/builders.ts';
import { given } from './specification.ts';

describe('a recommendation', () => {
  const task = [opened(), received()];
  it('that passes is judged and started in one append', () =>
    given(...task)
      .whenBrought([recommended()])
      .thenEvents(recommended(), evaluated(1, facts()), started()));
  it('that fails a rule is judged and routed in one append', () => {
    const over = facts({ decision: { confidence: 0.5 } });
    given(...task)
      .whenBrought([recommended(1, { confidence: 0.5 })])
      .thenEvents(recommended(1, { confidence: 0.5 }), evaluated(1, over), routed(1, ['CONFIDENCE_TOO_LOW']));
  });
  it('that fails several rules names every code, in the policy’s order', () => {
    const low = { confidence: 0.5, riskScore: 0.9 };
    given(...task)
      .whenBrought([recommended(1, low)], { signals: { ...calm, uncertain: true } })
      .thenEvents(
        recommended(1, low),
        evaluated(1, facts({ decision: low, signals: { uncertain: true } })),
        routed(1, ['CONFIDENCE_TOO_LOW', 'RISK_TOO_HIGH', 'TEXT_UNCERTAIN']),
      );
  });
  it('goes to the first queue that lists one of its codes, whatever their order', () => {
    const signals = { ...calm, instructsSystem: true };
    const before = [opened({ retryCount: 3 }), received()];
    given(...before)
      .whenBrought([recommended()], { signals })
      .thenEvents(
        recommended(),
        evaluated(1, facts({ case: { retryCount: 3 }, signals })),
        routed(1, ['RETRY_LIMIT_REACHED', 'TEXT_INSTRUCTS_SYSTEM'], 'security', 60),
      );
  });
  it('that is a fallback names its reason code, too', () => {
    const changes = {
      intent: 'MANUAL_REVIEW',
      nextStep: 'MANUAL_REVIEW',
      routeTarget: 'CORE_SYSTEM',
      riskScore: 0.9,
      confidence: 0,
      reasonCode: 'AI_TIMEOUT',
    } as const;
    const events = consequences(caseAfter(task), taskId(), [recommended(1, changes, 'fallback')], context());
    expect(events.map((event) => event.type)).toStrictEqual([
      'DecisionRecommended',
      'GuardrailEvaluated',
      'RoutedToManual',
    ]);
    const manual = events[2];
    expect(manual?.type === 'RoutedToManual' && manual.data.codes).toStrictEqual([
      'INTENT_NOT_AUTOMATABLE',
      'ROUTE_NOT_PERMITTED',
      'CONFIDENCE_TOO_LOW',
      'RISK_TOO_HIGH',
      'INTENT_NOT_ALLOWED',
      'REVIEW_RECOMMENDED',
      'ROLE_NOT_ALLOWED',
      'AI_TIMEOUT',
    ]);
  });
  it('of a model that uses a reserved code adds nothing to the codes', () => {
    const events = consequences(
      caseAfter(task),
      taskId(),
      [recommended(1, { confidence: 0, reasonCode: 'AI_TIMEOUT' })],
      context(),
    );
    expect(events[2]).toStrictEqual(routed(1, ['CONFIDENCE_TOO_LOW']));
  });
  it('is recorded alone while another action of the case is open', () =>
    given(...task, recommended(), evaluated(), started(), received(2))
      .whenBrought([recommended(2)], {}, 2)
      .thenEvents(recommended(2)));
  it('sees the case as it is now, not as it was when the model was asked', () =>
    given(...task, stateChanged('SUSPENDED'))
      .whenBrought([recommended()])
      .thenEvents(
        recommended(),
        evaluated(1, facts({ case: { state: 'SUSPENDED' } })),
        routed(1, ['CASE_NOT_OPEN']),
      ));
  it('of a hostile model cannot take a route or an intent that is not permitted', () => {
    for (const changes of [{ routeTarget: 'NOWHERE' }, { intent: 'ESCALATE' }, { intent: 'constructor' }]) {
      const sure = { confidence: 1, riskScore: 0, ...changes };
      const events = consequences(caseAfter(task), taskId(), [recommended(1, sure)], context());
      expect(events.at(-1)).toMatchObject({ type: 'RoutedToManual' });
    }
  });
});

describe('automation that is paused', () => {
  const over = facts({ automation: { paused: true } });
  it('lets nothing begin: a person has the task, and the verdict says why', () =>
    given(opened(), received())
      .whenBrought([recommended()], { paused: () => true })
      .thenEvents(recommended(), evaluated(1, over), routed(1, ['AUTOMATION_PAUSED'])));
  it('is asked about the intent and the route that are recommended', () => {
    const asked: unknown[] = [];
    const paused = (...names: readonly string[]): boolean => {
      asked.push(names);
      return false;
    };
    given(opened(), received())
      .whenBrought([recommended()], { paused })
      .thenEvents(recommended(), evaluated(), started());
    expect(asked).toStrictEqual([['RETRY_EXTERNAL_CALL', 'PARTNER_API']]);
  });
  it('lets nothing be tried again', () => {
    const failed = [
      opened({ retryCount: 0 }),
      received(),
      recommended(1, { retryStrategy: 'IMMEDIATE' }),
      permitted(),
      started(),
    ];
    const again = facts({
      automation: { paused: true },
      decision: { retryStrategy: 'IMMEDIATE' },
      case: { retryCount: 1, lastErrorType: 'HTTP_503' },
      task: { attempt: 2 },
    });
    given(...failed)
      .whenBrought([executed('FAILED')], { paused: () => true })
      .thenEvents(
        executed('FAILED'),
        evaluated(1, again),
        routed(1, ['ACTION_FAILED', 'AUTOMATION_PAUSED'], 'failures', 120),
      );
  });
});

describe('the start of an action', () => {
  const start = (changes = {}) =>
    consequences(caseAfter([opened(), received(), recommended()]), taskId(), [], context(changes)).at(-1);
  it('takes from its route the deadline, and what the backend is declared to be', () => {
    const backend = (route: string): BackendFacts =>
      route === 'PARTNER_API'
        ? backendFacts({ attemptMs: 1_500, simulated: true, idempotent: false, lookup: true })
        : backendFacts();
    expect(start({ backend })).toStrictEqual(
      started(1, 1, { deadlineAt: later(1_500), simulated: true, idempotent: false, lookup: true }),
    );
  });
  it('takes the id that was minted for it, as its key to the backend, too', () => {
    expect(start({ newActionId: uuid(77) })).toStrictEqual(
      started(1, 1, { actionId: uuid(77), idempotencyKey: uuid(77) }),
    );
  });
  it('is left to the next process when this one is ending', () =>
    given(opened(), received()).whenBrought([recommended()], { mayStart: false }).thenEvents(recommended()));
  it('asks only about the backend of its route, and only when the policy says yes', () => {
    const asked: string[] = [];
    const backend = (route: string): BackendFacts => {
      asked.push(route);
      return backendFacts();
    };
    start({ backend });
    expect(asked).toStrictEqual(['PARTNER_API']);
    start({ backend, signals: { ...calm, negated: true } });
    expect(asked).toStrictEqual(['PARTNER_API']);
  });
});

describe('an attempt’s result', () => {
  const attempt = (retryStrategy: 'NONE' | 'IMMEDIATE', open = opened({ retryCount: 0 })) => [
    open,
    received(),
    recommended(1, { retryStrategy }),
    permitted(),
    started(),
  ];
  const failed = executed('FAILED');
  const again = (result: 'FAILED' | 'UNKNOWN', number: number) => [
    permitted(1, number),
    started(1, number),
    executed(result, 1, number),
  ];

  it('SUCCEEDED ends the task', () =>
    given(...attempt('IMMEDIATE'))
      .whenBrought([executed('SUCCEEDED')])
      .thenEvents(executed('SUCCEEDED')));
  it('FAILED with NONE goes to a person', () =>
    given(...attempt('NONE'))
      .whenBrought([failed])
      .thenEvents(failed, routed(1, ['ACTION_FAILED'], 'failures', 120)));
  it('FAILED with NONE goes to a person also when the process is ending', () =>
    given(...attempt('NONE'))
      .whenBrought([failed], { mayStart: false })
      .thenEvents(failed, routed(1, ['ACTION_FAILED'], 'failures', 120)));
  it('FAILED with IMMEDIATE is judged anew and started again under the same id', () => {
    const over = facts({
      decision: { retryStrategy: 'IMMEDIATE' },
      case: { retryCount: 1, lastErrorType: 'HTTP_503' },
      task: { attempt: 2 },
    });
    given(...attempt('IMMEDIATE'))
      .whenBrought([failed], { newActionId: uuid(99), now: later(10) })
      .thenEvents(failed, evaluated(1, over), started(1, 2, { deadlineAt: later(ATTEMPT_MS + 10) }));
  });
  it('FAILED with IMMEDIATE goes to a person when the guardrails now fail', () => {
    const over = facts({
      decision: { retryStrategy: 'IMMEDIATE' },
      case: { retryCount: 3, lastErrorType: 'HTTP_503' },
      task: { attempt: 2 },
    });
    given(...attempt('IMMEDIATE', opened({ retryCount: 2 })))
      .whenBrought([failed])
      .thenEvents(
        failed,
        evaluated(1, over),
        routed(1, ['ACTION_FAILED', 'RETRY_LIMIT_REACHED'], 'failures', 120),
      );
  });
  it('FAILED with IMMEDIATE stops at the limit of attempts', () => {
    const before = [failed, ...again('FAILED', 2), permitted(1, 3), started(1, 3)];
    const third = executed('FAILED', 1, 3);
    const events = consequences(
      caseAfter([...attempt('IMMEDIATE'), ...before]),
      taskId(),
      [third],
      context(),
    );
    expect(events).toMatchObject([
      third,
      { type: 'GuardrailEvaluated', data: { verdict: 'ROUTE_TO_MANUAL', attempt: 4 } },
      { data: { codes: ['ACTION_FAILED', 'ATTEMPT_LIMIT_REACHED', 'RETRY_LIMIT_REACHED'] } },
    ]);
  });
  it('names what is known of the attempts, then what the policy says', () => {
    const before = [executed('UNKNOWN'), permitted(1, 2), started(1, 2), stateChanged('SUSPENDED')];
    const second = executed('FAILED', 1, 2);
    const events = consequences(
      caseAfter([...attempt('IMMEDIATE'), ...before]),
      taskId(),
      [second],
      context(),
    );
    expect(events).toMatchObject([
      second,
      { data: { verdict: 'ROUTE_TO_MANUAL' } },
      { data: { codes: ['ACTION_OUTCOME_UNKNOWN', 'ACTION_FAILED', 'CASE_NOT_OPEN'] } },
    ]);
  });
  it('is awaited, however long its deadline has passed: an attempt is ended by who waits for it', () =>
    given(...attempt('IMMEDIATE'))
      .whenBrought([], { now: later(100 * ATTEMPT_MS) })
      .thenNothing());
});

describe('nothing follows', () => {
  it.each<[string, readonly CaseEvent[]]>([
    ['for a task that waits for its recommendation', [opened(), received()]],
    ['for a task in review', [opened(), received(), recommended(), routed(1, ['X'])]],
    ['for a task that the case does not have', [opened()]],
  ])('%s', (_, events) =>
    given(...events)
      .whenBrought([])
      .thenNothing(),
  );
});
