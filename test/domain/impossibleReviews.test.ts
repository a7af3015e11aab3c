import { describe, expect, it } from 'vitest';
import type { ActionStarted, CaseEvent, GuardrailEvaluated } from '../../src/domain/events.ts';
import {
  cancelled,
  caseAfter,
  executed,
  facts,
  later,
  opened,
  permitted,
  received,
  recommended,
  resolved,
  retryScheduled,
  routed,
  started,
  uuid,
} from '../support/builders.ts';
import { approvedBy, claimed, overdue, released, reviewed, startedFor } from '../support/reviewBuilders.ts';
import { ANOTHER, claimedByAnn, inReview, startedBy, verdictOf } from './reviewing.ts';
import { given } from './specification.ts';
import { upTo } from './stages.ts';

type Row = readonly [what: string, before: readonly CaseEvent[], event: CaseEvent];

/** Each of these events is refused with this message, although everything before it can be. */
function refuses(group: string, message: RegExp, rows: readonly Row[]): void {
  describe(group, () => {
    it.each<Row>(rows)('%s', (_, before, event) => {
      expect(() => caseAfter(before)).not.toThrow();
      given(...before)
        .whenFolding(event)
        .thenFails(message);
    });
  });
}

const by = (reviewer: string) => ({ reviewer });
const rejected = reviewed('REJECTED', 1, by('ann'));
const approval = reviewed('APPROVED', 1, by('ann'));
const [verdict, start]: [GuardrailEvaluated, ActionStarted] = startedFor('ann');
const approved = [...claimedByAnn, approval];
const judged = [...approved, verdict];
/** An attempt that ann has approved failed, and the task waits again. */
const failed = [...judged, start, executed('FAILED')];
const waitsAgain = [...failed, routed(1, ['ACTION_FAILED'])];
const toCore = { backend: 'CORE_SYSTEM', actionId: uuid(2), idempotencyKey: uuid(2) };

const ofEveryKind = (): readonly (readonly [string, CaseEvent])[] => [
  ['a claim', claimed(1, 'ann')],
  ['a release', released(1, 'ann')],
  ['a decision', rejected],
  ['a deadline', overdue()],
];
const allIn = (stages: readonly (readonly [string, readonly CaseEvent[]])[]): Row[] =>
  stages.flatMap(([stage, events]) =>
    ofEveryKind().map(([what, event]) => [`${what} of a task that is ${stage}`, events, event] as const),
  );

describe('a stream cannot have', () => {
  refuses(
    'a review where nobody waits for a person',
    /: its task is (not there yet|RECEIVED|DECIDED|EXECUTING|RETRY_SCHEDULED|OUTCOME_UNKNOWN|COMPLETED|REJECTED|CANCELLED)$/,
    allIn([
      ['not there', [opened()]],
      ['received', [opened(), ...upTo.received]],
      ['decided', [opened(), ...upTo.decided]],
      ['executing', [opened(), ...upTo.executing]],
      ['to be tried again', [opened(), ...upTo.scheduled]],
      ['unknown', [opened(), ...upTo.unknown]],
      ['completed', [opened(), ...upTo.completed]],
      ['cancelled', [opened(), ...upTo.inReview, cancelled()]],
      ['rejected', [...claimedByAnn, rejected]],
      ['approved', approved],
      ['executing in a reviewer’s name', [...judged, start]],
      ['failed in a reviewer’s name', failed],
    ]),
  );

  refuses('what takes a claim from somebody who has none', /by (ann|bob), who has not claimed it$/, [
    ['a release of nothing', inReview, released(1, 'ann')],
    ['a release of another one’s', claimedByAnn, released(1, 'bob')],
    ['a release twice', [...claimedByAnn, released(1, 'ann')], released(1, 'ann')],
    ['a decision', inReview, rejected],
    ['a decision of another one', claimedByAnn, reviewed('REJECTED', 1, by('bob'))],
    ['a decision after a release', [...claimedByAnn, released(1, 'ann')], rejected],
    ['a decision of whom it was taken from', [...claimedByAnn, claimed(1, 'sue', later(9), 'ann')], rejected],
    ['a second decision', [...claimedByAnn, reviewed('INFO_REQUESTED', 1, by('ann'))], rejected],
    [
      'a second decision after the first of two approvals',
      [...claimedByAnn, reviewed('APPROVED', 1, { reviewer: 'ann', awaitsSecond: true })],
      rejected,
    ],
    ['a decision in a later review by an old claim', waitsAgain, rejected],
  ]);

  refuses('a deadline out of place', /^ReviewOverdue of another deadline$/, [
    ['that nobody has set', inReview, overdue(1, later(1))],
    ['twice', [...inReview, overdue()], overdue()],
    [
      'again after an escalation',
      [...inReview, overdue(1, undefined, { queue: 'x', dueBy: later(9e9) })],
      overdue(),
    ],
    [
      'of an escalation twice',
      [...inReview, overdue(1, undefined, { queue: 'x', dueBy: later(9e9) }), overdue(1, later(9e9))],
      overdue(1, later(9e9)),
    ],
  ]);

  refuses(
    'an attempt in a reviewer’s name',
    /: (its task is \w+|no verdict permits it|it is not what was approved|another one has approved it)$/,
    [
      ['without a review', [opened(), ...upTo.decided, verdict], start],
      ['without a decision', claimedByAnn, start],
      ['without a verdict', approved, start],
      ['on the policy’s verdict', [...approved, permitted()], start],
      ['on a verdict that refuses', [...approved, verdictOf(facts({ decision: { confidence: 0 } }))], start],
      [
        'on the verdict about another attempt',
        [...approved, verdictOf(facts({ task: { attempt: 2 } }))],
        start,
      ],
      ['of another route than was approved', judged, startedBy('ann', 1, { backend: 'CORE_SYSTEM' })],
      ['of another intent than was approved', judged, startedBy('ann', 1, { intent: 'RESEND' })],
      ['by somebody else', judged, startedBy('bob')],
      [
        'on the first of two approvals',
        [...claimedByAnn, reviewed('APPROVED', 1, { reviewer: 'ann', awaitsSecond: true })],
        start,
      ],
      [
        'in the name of the first of two',
        [
          ...claimedByAnn,
          reviewed('APPROVED', 1, { reviewer: 'ann', awaitsSecond: true }),
          claimed(1, 'bob'),
          reviewed('APPROVED', 1, by('bob')),
          verdictOf(facts(), [], 'bob'),
        ],
        start,
      ],
      ['on a question', [...claimedByAnn, reviewed('INFO_REQUESTED', 1, by('ann'))], start],
      ['on a rejection', [...claimedByAnn, rejected], start],
      ['twice on one approval', [...failed, ...startedFor('ann', 1, 2).slice(0, 1)], startedBy('ann', 2)],
      ['on an approval before it was routed again', waitsAgain, startedBy('ann', 2)],
      [
        'of what was recommended where another action was approved',
        [...claimedByAnn, reviewed('EDITED', 1, { reviewer: 'ann', action: ANOTHER }), verdict],
        start,
      ],
    ],
  );

  refuses(
    'an attempt on the policy’s word where a person has the task',
    /: (a person has the task|no verdict permits it)$/,
    [
      ['after an approval', [...approved, permitted()], started()],
      ['on the reviewer’s verdict', judged, started()],
      ['after an attempt in a reviewer’s name', [...failed, permitted(1, 2)], started(1, 2)],
      ['after a pause of that', [...failed, retryScheduled(), permitted(1, 2)], started(1, 2)],
    ],
  );

  const edited = reviewed('EDITED', 1, { reviewer: 'ann', action: ANOTHER });
  const known = (result: 'FAILED' | 'UNKNOWN'): readonly CaseEvent[] => [
    opened(),
    received(),
    recommended(),
    permitted(),
    started(),
    executed(result),
    routed(1, ['X']),
    claimed(1, 'ann'),
  ];
  const second = verdictOf(facts({ task: { attempt: 2 } }));
  refuses('the same action under another id, or another one under the same', /: it is another action$/, [
    ['the same one', [...known('FAILED'), approval, second], startedBy('ann', 2, { actionId: uuid(2) })],
    ['another one', [...known('FAILED'), edited, second], startedBy('ann', 2, { backend: 'CORE_SYSTEM' })],
  ]);
  refuses('another action while one may have been done', /: an attempt of another action is unknown$/, [
    ['at once', [...known('UNKNOWN'), edited, second], startedBy('ann', 2, toCore)],
    [
      'after a lookup in vain',
      [...known('UNKNOWN'), resolved('UNKNOWN', 1, 1, { source: 'LOOKUP' }), edited, second],
      startedBy('ann', 2, toCore),
    ],
  ]);
});

describe('a stream can have', () => {
  const folds = (...events: readonly CaseEvent[]) => expect(() => caseAfter(events)).not.toThrow();

  it('a claim of what another one has: whether that may be is decided, not folded', () => {
    folds(...claimedByAnn, claimed(1, 'bob'));
    folds(...claimedByAnn, claimed(1, 'ann'), claimed(1, 'sue', later(9), 'ann'));
  });
  it('an attempt of another action once the first is known to have failed', () => {
    const second = verdictOf(facts({ decision: { routeTarget: 'CORE_SYSTEM' }, task: { attempt: 2 } }));
    const edited = reviewed('EDITED', 1, { reviewer: 'ann', action: ANOTHER });
    const again = [
      routed(1, ['ACTION_FAILED']),
      claimed(1, 'ann'),
      edited,
      second,
      startedBy('ann', 2, toCore),
    ];
    folds(...failed, ...again);
    const { tasks } = caseAfter([...failed, ...again]);
    expect([...tasks.values()][0]?.attempts.map(({ started: { actionId } }) => actionId)).toStrictEqual([
      uuid(1),
      uuid(2),
    ]);
  });
  it('an attempt in a reviewer’s name after one on the policy’s word', () =>
    folds(opened(), ...upTo.failed, routed(1, ['ACTION_FAILED']), ...approvedBy('ann', 1, 2)));
});
