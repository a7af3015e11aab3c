import { describe, expect, it } from 'vitest';
import {
  backendFacts,
  caseAfter,
  executed,
  facts,
  opened,
  permitted,
  received,
  recommended,
  routed,
  started,
  taskId,
  uuid,
} from '../support/builders.ts';
import { claimed, reviewed } from '../support/reviewBuilders.ts';
import { ANOTHER, decidedOn, deciding, eventsOf, recording, startedBy, verdictOf } from './reviewing.ts';
import { given } from './specification.ts';

describe('an earlier attempt of unknown outcome', () => {
  const unknown = (idempotent: boolean) => [
    opened(),
    received(),
    recommended(),
    permitted(),
    started(1, 1, { idempotent }),
    executed('UNKNOWN'),
    routed(1, ['ACTION_OUTCOME_UNKNOWN'], 'failures', 120),
    claimed(1, 'ann'),
  ];
  it('may be followed by another of the same action where the backend is idempotent, under the same id', () =>
    given(...unknown(true))
      .when(deciding('APPROVED', {}, { using: { newActionId: uuid(88) } }))
      .thenEvents(
        decidedOn(unknown(true), 'APPROVED'),
        verdictOf(facts({ case: { retryCount: 2, lastErrorType: 'HTTP_503' }, task: { attempt: 2 } })),
        startedBy('ann', 2),
      ));
  it.each([
    ['was declared not to be', false, true],
    ['is declared not to be any more', true, false],
  ])('not where it %s', (_, then, idempotent) =>
    given(...unknown(then))
      .when(deciding('APPROVED', {}, { using: { backend: () => backendFacts({ idempotent }) } }))
      .thenRefused('OUTCOME_UNKNOWN', null),
  );
  it('is not followed by another action', () =>
    given(...unknown(true))
      .when(deciding('EDITED', { action: ANOTHER }))
      .thenRefused('OUTCOME_UNKNOWN', null));

  /** The recommended action has failed, and another one in its place is unknown. */
  const mixed = [
    opened({ retryCount: 0 }),
    received(),
    recommended(),
    permitted(),
    started(),
    executed('FAILED'),
    routed(1, ['ACTION_FAILED'], 'failures', 120),
    claimed(1, 'ann'),
    reviewed('EDITED', 1, { reviewer: 'ann', action: ANOTHER }),
    verdictOf(facts({ decision: { routeTarget: 'CORE_SYSTEM' }, task: { attempt: 2 } })),
    startedBy('ann', 2, { backend: 'CORE_SYSTEM', actionId: uuid(2), idempotencyKey: uuid(2) }),
    executed('UNKNOWN', 1, 2, { actionId: uuid(2) }),
    routed(1, ['ACTION_OUTCOME_UNKNOWN'], 'failures', 120),
    claimed(1, 'ann'),
  ];
  it('is not followed by the action before it either', () =>
    given(...mixed)
      .when(deciding('APPROVED'))
      .thenRefused('OUTCOME_UNKNOWN', null));
  it('is not followed by itself where another action was tried before it: whoever decides says first what it did', () =>
    given(...mixed)
      .when(deciding('EDITED', { action: ANOTHER }))
      .thenRefused('OUTCOME_UNKNOWN', null));
  it('may be followed by either, under its own id, once somebody has said that it failed', () => {
    const known = eventsOf(mixed, recording('FAILED', { attempt: 2 }));
    const idOf = (command: ReturnType<typeof deciding>) => {
      const events = eventsOf(known, command);
      return caseAfter(events).tasks.get(taskId())?.attempts.at(-1)?.started.actionId;
    };
    expect(idOf(deciding('APPROVED'))).toBe(uuid(1));
    expect(idOf(deciding('EDITED', { action: ANOTHER }))).toBe(uuid(2));
  });
});
