import { describe, expect, it } from 'vitest';
import type { Actor, CaseEvent, CommandKey } from '../../src/domain/events.ts';
import {
  AT,
  ATTEMPT_MS,
  backendFacts,
  cancelled,
  caseAfter,
  context,
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
import { approvedBy, claimed, reviewed } from '../support/reviewBuilders.ts';
import {
  ann,
  bob,
  claimedByAnn,
  decidedOn,
  deciding,
  doubtful,
  eventsOf,
  inReview,
  startedBy,
  submitter,
  verdictOf,
} from './reviewing.ts';
import { given, thrownBy } from './specification.ts';

const anonymous: Actor = { kind: 'anonymous', id: 'anonymous', roles: ['OPS'], authMethod: 'none' };
const key = (request = 'request'): CommandKey => ({ keyHash: 'key', requestHash: request });
/** Nothing stands against this task: the case was suspended when it was judged, and no longer is. */
const unopposed = [opened(), received(), recommended(), routed(1, ['CASE_NOT_OPEN']), claimed(1, 'ann')];
const overriding = { overrides: ['confidence'] };
const over = facts({ decision: doubtful });

describe('APPROVED', () => {
  it('is one append with the verdict and the start of the recommended action, in the reviewer’s name', () =>
    given(...unopposed)
      .when(deciding('APPROVED'))
      .thenEvents(decidedOn(unopposed, 'APPROVED'), verdictOf(facts()), startedBy('ann')));
  it('says what was overridden, in the decision and in the verdict', () =>
    given(...claimedByAnn)
      .when(deciding('APPROVED', overriding))
      .thenEvents(
        decidedOn(claimedByAnn, 'APPROVED', overriding),
        verdictOf(over, ['confidence']),
        startedBy('ann'),
      ));
  it('takes from its backend the deadline, and what that is declared to be; and the id that was minted for it', () => {
    const backend = () =>
      backendFacts({ attemptMs: 1_500, simulated: true, idempotent: false, lookup: true });
    const using = { backend, now: later(1_000), newActionId: uuid(77) };
    given(...unopposed)
      .when(deciding('APPROVED', {}, { using }))
      .thenEvents(
        decidedOn(unopposed, 'APPROVED'),
        verdictOf(facts()),
        startedBy('ann', 1, {
          actionId: uuid(77),
          idempotencyKey: uuid(77),
          deadlineAt: later(2_500),
          simulated: true,
          idempotent: false,
          lookup: true,
        }),
      );
  });
  it('sees the case as it is now', () => {
    const events = [...claimedByAnn, stateChanged('SUSPENDED')];
    const error = thrownBy(() => deciding('APPROVED', overriding)(caseAfter(events)));
    expect(error).toMatchObject({
      code: 'GUARDRAILS_REFUSE',
      details: { guardrails: [{ name: 'case-open', code: 'CASE_NOT_OPEN', overridable: false }] },
    });
  });
  it('decides what an earlier version of the evaluator has routed', () => {
    const [open, receipt, recommendation, verdict, ...rest] = claimedByAnn;
    if (!open || !receipt || !recommendation || verdict?.type !== 'GuardrailEvaluated')
      throw new Error('no verdict');
    const evaluator = 'guardrails/1 cel-js/8.0.0 signals/1';
    const guardrails = verdict.data.guardrails.filter(({ name }) => name !== 'automation-running');
    const old: CaseEvent = { ...verdict, data: { ...verdict.data, evaluator, guardrails } };
    const events = [open, receipt, recommendation, old, ...rest];
    given(...events)
      .when(deciding('APPROVED', overriding))
      .thenEvents(
        decidedOn(events, 'APPROVED', overriding),
        verdictOf(over, ['confidence']),
        startedBy('ann'),
      );
  });
  it('can be folded, and leaves the task to its attempt', () => {
    const current = caseAfter(eventsOf(claimedByAnn, deciding('APPROVED', overriding)));
    expect(current.openTaskId).toBe(taskId());
    expect(current.tasks.get(taskId())).toMatchObject({
      status: 'EXECUTING',
      outcome: 'MANUAL',
      review: { claim: null, approved: null, decided: { resolution: 'APPROVED', reviewer: 'ann' } },
    });
  });
});

describe('what lets nothing be executed', () => {
  it.each(['REJECTED', 'INFO_REQUESTED'] as const)('%s is recorded alone', (resolution) =>
    given(...claimedByAnn)
      .when(deciding(resolution, { note: { sealed: 'why' } }))
      .thenEvents(decidedOn(claimedByAnn, resolution, { note: { sealed: 'why' } })),
  );
  it.each(['REJECTED', 'INFO_REQUESTED'] as const)(
    '%s is for everybody who has claimed it, also the submitter, somebody unknown, and one without a role',
    (resolution) => {
      for (const by of [submitter, anonymous, { ...bob, roles: [] }]) {
        const events = [...inReview, claimed(1, by.id)];
        given(...events)
          .when(deciding(resolution, {}, { by }))
          .thenEvents(decidedOn(events, resolution, { reviewer: by.id }));
      }
    },
  );
  it.each(['REJECTED', 'INFO_REQUESTED'] as const)('%s overrides nothing and has no action', (resolution) => {
    given(...claimedByAnn)
      .when(deciding(resolution, overriding))
      .thenRefused('INVALID_INPUT', 'overrides');
    given(...claimedByAnn)
      .when(deciding(resolution, { action: { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'PARTNER_API' } }))
      .thenRefused('INVALID_INPUT', 'action');
  });
  it('REJECTED ends the task, whose outcome stays', () => {
    const { tasks } = caseAfter(eventsOf(claimedByAnn, deciding('REJECTED')));
    expect(tasks.get(taskId())).toMatchObject({ status: 'REJECTED', outcome: 'MANUAL' });
  });
  it('INFO_REQUESTED leaves it waiting, free for everybody, until somebody claims it', () => {
    const events = eventsOf(claimedByAnn, deciding('INFO_REQUESTED'));
    const review = (...more: readonly CaseEvent[]) =>
      caseAfter([...events, ...more]).tasks.get(taskId())?.review;
    expect(caseAfter(events).tasks.get(taskId())?.status).toBe('IN_REVIEW');
    expect(review()).toMatchObject({ waitsForInfo: true, claim: null });
    expect(review(claimed(1, 'bob'))).toMatchObject({ waitsForInfo: false, claim: { reviewer: 'bob' } });
  });
});

describe('a decision is refused', () => {
  const refused = (events: readonly CaseEvent[], command = deciding('APPROVED', overriding)) =>
    given(...events).when(command);

  it('of a task that no person was asked about', () => {
    refused([]).thenRefused('REVIEW_NOT_FOUND', 'taskId');
    refused([opened(), received(), recommended()]).thenRefused('REVIEW_NOT_FOUND', 'taskId');
  });
  it.each<[string, readonly CaseEvent[]]>([
    ['rejected', [...claimedByAnn, reviewed('REJECTED', 1, { reviewer: 'ann' })]],
    ['cancelled', [...claimedByAnn, stateChanged('CLOSED'), cancelled()]],
    ['executing', [...inReview, ...approvedBy('ann')]],
    ['done', [...inReview, ...approvedBy('ann'), executed('SUCCEEDED')]],
  ])('of a task that is %s', (_, events) => refused(events).thenRefused('REVIEW_NOT_OPEN', null));
  it('without a claim', () => refused(inReview).thenRefused('REVIEW_NOT_CLAIMED', null));
  it('when the lease is over, at the very moment', () => {
    const at = (milliseconds: number) =>
      deciding('APPROVED', overriding, { using: { now: later(30 * 60_000 + milliseconds) } });
    refused(claimedByAnn, at(0)).thenRefused('REVIEW_NOT_CLAIMED', null);
    expect(at(-1)(caseAfter(claimedByAnn)).events).toHaveLength(3);
  });
  it('under another one’s claim, who is named', () => {
    const act = () => deciding('REJECTED', {}, { by: bob })(caseAfter(claimedByAnn));
    expect(thrownBy(act)).toMatchObject({ code: 'REVIEW_CLAIMED', details: { claim: { reviewer: 'ann' } } });
  });
  it('a second time: a claim is for one decision', () =>
    refused(eventsOf(claimedByAnn, deciding('INFO_REQUESTED'))).thenRefused('REVIEW_NOT_CLAIMED', null));
  it.each(['APPROVED', 'EDITED', 'REJECTED', 'INFO_REQUESTED'] as const)(
    'with a reason that the policy does not have for %s, with all that it has',
    (resolution) => {
      const act = () => deciding(resolution, { reasonCode: 'BECAUSE' })(caseAfter(claimedByAnn));
      const codes = context().policy.reviews.reasonCodes[resolution];
      expect(thrownBy(act)).toMatchObject({
        code: 'INVALID_INPUT',
        field: 'reasonCode',
        message: `must be one of ${codes.join(', ')}`,
      });
    },
  );
  it('with a reason for something else', () =>
    refused(claimedByAnn, deciding('REJECTED', { reasonCode: 'CONFIRMED' })).thenRefused(
      'INVALID_INPUT',
      'reasonCode',
    ));
  it('on something else than what is there', () => {
    for (const resolution of ['APPROVED', 'EDITED', 'REJECTED', 'INFO_REQUESTED'] as const)
      refused(claimedByAnn, deciding(resolution, { reviewedHash: 'something else' })).thenRefused(
        'REVIEW_STALE',
        null,
      );
  });
  it('by whoever has submitted the task', () =>
    refused(
      [...inReview, claimed(1, 'test')],
      deciding('APPROVED', overriding, { by: submitter }),
    ).thenRefused('REVIEWER_NOT_ALLOWED', null));
  it('by somebody whom nobody knows', () =>
    refused(
      [...inReview, claimed(1, 'anonymous')],
      deciding('APPROVED', overriding, { by: anonymous }),
    ).thenRefused('REVIEWER_NOT_ALLOWED', null));
  it.each([[[]], [['AGENT']]])('by somebody with the roles %j, none of which may have it executed', (roles) =>
    refused(claimedByAnn, deciding('APPROVED', overriding, { by: { ...ann, roles } })).thenRefused(
      'ROLE_NOT_HELD',
      null,
    ),
  );
  it('while another action of the case is open', () =>
    refused([...claimedByAnn, received(2), recommended(2), permitted(2), started(2)]).thenRefused(
      'ACTION_OPEN',
      null,
    ));
  it('while its backend is down, or the process is ending', () => {
    const down = { backend: () => backendFacts({ available: () => false }) };
    for (const using of [down, { mayStart: false }])
      refused(claimedByAnn, deciding('APPROVED', overriding, { using })).thenRefused(
        'BACKEND_UNAVAILABLE',
        null,
      );
  });
  it('without asking whether a backend is there, where something else stands against it', () => {
    const backend = () => backendFacts({ available: () => expect.fail('it was asked') });
    refused(claimedByAnn, deciding('APPROVED', {}, { using: { backend } })).thenRefused(
      'GUARDRAILS_REFUSE',
      null,
    );
  });
});

describe('a decision is known again by its key', () => {
  const decided = (resolution: 'APPROVED' | 'REJECTED', request?: string) =>
    deciding(resolution, resolution === 'APPROVED' ? overriding : {}, { command: key(request) });

  it.each(['APPROVED', 'REJECTED'] as const)('%s, whatever has become of the task', (resolution) => {
    const events = eventsOf(claimedByAnn, decided(resolution));
    given(...events)
      .when(decided(resolution))
      .thenRepeat();
    if (resolution === 'REJECTED') return;
    for (const result of ['SUCCEEDED', 'FAILED', 'UNKNOWN'] as const)
      given(...events, executed(result))
        .when(decided(resolution))
        .thenRepeat();
  });
  it('whose answer is the place of the whole append', () => {
    const { commands } = caseAfter(eventsOf(claimedByAnn, decided('APPROVED')));
    expect(commands.get('key')).toMatchObject({ ...key(), revision: claimedByAnn.length + 2 });
  });
  it('but not with another request', () =>
    given(...eventsOf(claimedByAnn, decided('REJECTED')))
      .when(decided('REJECTED', 'another'))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key'));
  it('only where there is one', () =>
    given(...eventsOf(claimedByAnn, deciding('APPROVED', overriding)))
      .when(deciding('APPROVED', overriding))
      .thenRefused('REVIEW_NOT_OPEN', null));
});

it('an attempt in a reviewer’s name has its deadline from the moment of the append', () => {
  const events = eventsOf(
    claimedByAnn,
    deciding('APPROVED', overriding, { using: { now: later(5), wallNow: AT } }),
  );
  expect(events.at(-1)).toStrictEqual(startedBy('ann', 1, { deadlineAt: later(ATTEMPT_MS + 5) }));
});
