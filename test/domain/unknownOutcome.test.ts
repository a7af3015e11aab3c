import { describe, it } from 'vitest';
import {
  AT,
  backendFacts,
  evaluated,
  executed,
  facts,
  opened,
  permitted,
  received,
  recommended,
  resolved,
  retryScheduled,
  routed,
  started,
} from '../support/builders.ts';
import { given } from './specification.ts';

describe('an unknown outcome', () => {
  const asked = (result: 'SUCCEEDED' | 'FAILED' | 'UNKNOWN') => resolved(result, 1, 1, { source: 'LOOKUP' });
  const executing = (strategy: 'NONE' | 'IMMEDIATE' | 'BACKOFF', declared = {}) => [
    opened({ retryCount: 0 }),
    received(),
    recommended(1, { retryStrategy: strategy }),
    permitted(),
    started(1, 1, declared),
  ];
  const toPerson = routed(1, ['ACTION_OUTCOME_UNKNOWN'], 'failures', 120);
  const again = facts({
    decision: { retryStrategy: 'IMMEDIATE' },
    case: { retryCount: 1, lastErrorType: 'HTTP_503' },
    task: { attempt: 2 },
  });

  it('is recorded alone where the backend is to be asked first', () =>
    given(...executing('IMMEDIATE', { lookup: true }))
      .whenBrought([executed('UNKNOWN')])
      .thenEvents(executed('UNKNOWN')));
  it('that the lookup resolves ends the task', () =>
    given(...executing('IMMEDIATE', { lookup: true }), executed('UNKNOWN'))
      .whenBrought([asked('SUCCEEDED')])
      .thenEvents(asked('SUCCEEDED')));
  it('that it cannot resolve is tried again where the backend is idempotent, and the guardrails pass', () =>
    given(...executing('IMMEDIATE', { lookup: true }), executed('UNKNOWN'))
      .whenBrought([asked('UNKNOWN')])
      .thenEvents(asked('UNKNOWN'), evaluated(1, again), started(1, 2)));
  it('goes to a person where it is not idempotent', () =>
    given(...executing('IMMEDIATE', { idempotent: false, lookup: true }), executed('UNKNOWN'))
      .whenBrought([asked('UNKNOWN')])
      .thenEvents(asked('UNKNOWN'), toPerson));
  it.each(['IMMEDIATE', 'BACKOFF', 'NONE'] as const)(
    'goes to a person at once without either (%s)',
    (strategy) =>
      given(...executing(strategy, { idempotent: false }))
        .whenBrought([executed('UNKNOWN')])
        .thenEvents(executed('UNKNOWN'), toPerson),
  );
  it('goes to a person with NONE, however idempotent the backend is', () =>
    given(...executing('NONE'))
      .whenBrought([executed('UNKNOWN')])
      .thenEvents(executed('UNKNOWN'), toPerson));
  it('is tried again at once with IMMEDIATE where the backend is idempotent', () =>
    given(...executing('IMMEDIATE'))
      .whenBrought([executed('UNKNOWN')])
      .thenEvents(executed('UNKNOWN'), evaluated(1, again), started(1, 2)));
  it('goes to a person where the backend is not declared idempotent any more when the retry is due', () => {
    const declared = { backend: () => backendFacts({ idempotent: false }) };
    given(...executing('IMMEDIATE'))
      .whenBrought([executed('UNKNOWN')], declared)
      .thenEvents(executed('UNKNOWN'), toPerson);
    given(
      ...executing('BACKOFF'),
      executed('UNKNOWN'),
      retryScheduled(1, 2, { dueAt: AT, reason: 'ATTEMPT_UNKNOWN' }),
    )
      .whenBrought([], declared)
      .thenEvents(toPerson);
  });
  it('does not keep a certain failure of the same backend from being tried again', () =>
    given(...executing('IMMEDIATE', { idempotent: false }))
      .whenBrought([executed('FAILED')], { backend: () => backendFacts({ idempotent: false }) })
      .thenEvents(executed('FAILED'), evaluated(1, again), started(1, 2, { idempotent: false })));
  it('is asked about alone while another action of the case is open', () =>
    given(
      ...executing('IMMEDIATE', { lookup: true }),
      executed('UNKNOWN'),
      received(2),
      recommended(2),
      permitted(2),
      started(2),
    )
      .whenBrought([asked('UNKNOWN')])
      .thenEvents(asked('UNKNOWN')));
});
