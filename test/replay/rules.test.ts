import { describe, expect, it } from 'vitest';
import type { CaseEvent, Recorded } from '../../src/domain/events.ts';
import { verifyActions } from '../../src/replay/actions.ts';
import { falseFacts } from '../../src/replay/facts.ts';
import { createFindings } from '../../src/replay/findings.ts';
import { verifyPermissions } from '../../src/replay/permissions.ts';
import {
  AT,
  caseAfter,
  evaluated,
  executed,
  facts,
  opened,
  permitted,
  place,
  received,
  recommended,
  resolved,
  routed,
  started,
  taskId,
  uuid,
} from '../support/builders.ts';
import { approvedBy, claimed, reviewed, startedFor } from '../support/reviewBuilders.ts';

const PERSON = { kind: 'person', id: 'rita', roles: [], authMethod: 'oidc' } as const;

/** Events as one append of rita's has left them, whether or not they can follow each other. */
const recorded = (events: readonly CaseEvent[], actor: object = PERSON): Recorded<CaseEvent>[] =>
  events.map(
    (event, index) =>
      ({
        ...event,
        ...place(index),
        stream: 'case-C1001',
        metadata: { actor, recordedAt: AT, causationId: index === 0 ? null : place(index - 1).id },
      }) as unknown as Recorded<CaseEvent>,
  );

type Rule = (events: Recorded<CaseEvent>[], findings: ReturnType<typeof createFindings>) => void;
const told = (rule: Rule, events: Recorded<CaseEvent>[]): string[] => {
  const findings = createFindings();
  rule(events, findings);
  return findings.summary().mismatches.map(({ revision, detail }) => `${revision}: ${detail}`);
};
const permissions: Rule = (events, findings) => verifyPermissions(events, false, findings);
const actions: Rule = verifyActions;

const blocked = evaluated(1, facts({ decision: { confidence: 0.1 } }));
const byTom = started(1, 1, { authority: { kind: 'reviewer', reviewer: 'tom' } });
const [approvedVerdict, approvedStart] = startedFor('rita');

describe('an action stands behind what permits it', () => {
  const rule = (events: readonly CaseEvent[], actor?: object) => told(permissions, recorded(events, actor));
  it.each<[string, readonly CaseEvent[], readonly string[]]>([
    ['its verdict', [permitted(), started()], []],
    ['its verdict, after a decision of its reviewer', approvedBy('rita'), []],
    ['a routing behind a verdict that says no', [blocked, routed(1, ['X'])], []],
    ['nothing', [started()], ['0: no verdict is directly before it']],
    [
      'a verdict that says no',
      [blocked, started()],
      [
        '0: what follows from the verdict is not directly behind it',
        '1: the verdict directly before it does not permit it',
      ],
    ],
    [
      'the verdict of another task',
      [permitted(2), started(1)],
      [
        '0: what follows from the verdict is not directly behind it',
        '1: the verdict directly before it is of another task or attempt',
      ],
    ],
    [
      'the verdict of another attempt',
      [permitted(1, 2), started(1, 1)],
      ['1: the verdict directly before it is of another task or attempt'],
    ],
    [
      'a verdict on the policy’s word, where a reviewer is named',
      [permitted(), byTom],
      ['1: the verdict directly before it is on the word of another'],
    ],
    [
      'a verdict on the word of another reviewer',
      [reviewed('APPROVED'), approvedVerdict, byTom],
      ['2: the verdict directly before it is on the word of another'],
    ],
    [
      'a verdict without the decision',
      [claimed(), approvedVerdict, approvedStart],
      ["2: no reviewer's decision is directly before its verdict"],
    ],
    [
      'the decision of another reviewer',
      [reviewed('APPROVED', 1, { reviewer: 'tom' }), approvedVerdict, approvedStart],
      ["2: the reviewer's decision before it is of another reviewer or task"],
    ],
    [
      'a decision about another task',
      [reviewed('APPROVED', 2), approvedVerdict, approvedStart],
      ["2: the reviewer's decision before it is of another reviewer or task"],
    ],
    [
      'a rejection',
      [reviewed('REJECTED'), approvedVerdict, approvedStart],
      ["2: the reviewer's decision before it lets nothing be executed"],
    ],
    [
      'nothing follows from the verdict',
      [permitted()],
      ['0: what follows from the verdict is not directly behind it'],
    ],
  ])('%s', (_, events, problems) => {
    expect(rule(events)).toEqual(problems);
  });

  it.each([
    { kind: 'anonymous', id: 'rita', roles: [], authMethod: 'none' },
    { ...PERSON, id: 'tom' },
  ])('a decision that $kind $id has recorded', (actor) => {
    expect(rule(approvedBy('rita'), actor)).toEqual([
      "3: the reviewer's decision before it is not by that reviewer, authenticated",
    ]);
  });
});

describe('actions are counted', () => {
  const unknown = [started(), executed('UNKNOWN')];
  const once = { idempotent: false };
  it.each<[string, readonly CaseEvent[], readonly string[]]>([
    [
      'one after the other',
      [started(), executed('SUCCEEDED'), started(2), executed('FAILED', 2), started(2, 2)],
      [],
    ],
    ['again after unknown, where it is idempotent', [...unknown, started(1, 2)], []],
    ['two at once', [started(), started(2)], ['1: another action of the case is open']],
    ['a number left out', [started(), executed('FAILED'), started(1, 3)], ['2: it is not attempt 2']],
    [
      'the key of another action',
      [started(), executed('FAILED'), started(2, 1, { idempotencyKey: uuid(1) })],
      ['2: its idempotency key is not that of its action alone'],
    ],
    [
      'the action of another task',
      [started(), executed('FAILED'), started(2, 1, { actionId: uuid(1), idempotencyKey: uuid(1) })],
      ['2: its action is of another task'],
    ],
    [
      'again after unknown, where the first was not idempotent',
      [started(1, 1, once), executed('UNKNOWN'), started(1, 2)],
      ['2: an attempt before it is unknown, and may have done it'],
    ],
    [
      'again after unknown, where it is not idempotent any more',
      [...unknown, started(1, 2, once)],
      ['2: an attempt before it is unknown, and may have done it'],
    ],
    [
      'again after a lookup, or a person, that says it had failed',
      [
        started(1, 1, once),
        executed('UNKNOWN'),
        resolved('FAILED', 1, 1, { source: 'LOOKUP' }),
        started(1, 2, once),
      ],
      [],
    ],
    [
      'again after a lookup that could not tell',
      [
        started(1, 1, once),
        executed('UNKNOWN'),
        resolved('UNKNOWN', 1, 1, { source: 'LOOKUP' }),
        started(1, 2, once),
      ],
      ['3: an attempt before it is unknown, and may have done it'],
    ],
    ['a result of nothing', [executed('FAILED')], ['0: it is the result of no open action']],
    [
      'the result of another attempt, of another action',
      [started(), executed('FAILED', 1, 2), executed('FAILED', 1, 1, { actionId: uuid(9) })],
      ['1: it is the result of no open action', '2: it is the result of no open action'],
    ],
    [
      'news of what was not made, is open, or is another action',
      [
        resolved('FAILED'),
        started(),
        resolved('FAILED'),
        executed('UNKNOWN'),
        resolved('FAILED', 1, 1, { actionId: uuid(9) }),
      ],
      [0, 2, 4].map((revision) => `${revision}: it tells of an attempt that was not made, or is open`),
    ],
  ])('%s', (_, events, problems) => {
    expect(told(actions, recorded(events))).toEqual(problems);
  });
});

describe('facts of a verdict', () => {
  const before = caseAfter([opened(), received(), recommended()]);
  const inReview = caseAfter([opened(), received(), recommended(), blocked, routed(1, ['X']), claimed()]);
  const edited = caseAfter(
    [reviewed('EDITED', 1, { action: { intent: 'ESCALATE', routeTarget: 'CORE_SYSTEM' } })],
    inReview,
  );
  const reviewerSays = (changes: object) => {
    const verdict = evaluated(1, facts({ decision: { source: 'reviewer', ...changes } }));
    const authority = { kind: 'reviewer', reviewer: 'rita', overrides: [] } as const;
    return { ...verdict, data: { ...verdict.data, authority } };
  };
  const NOT_DECIDED = ['decision is not the one that was recommended or reviewed'];

  it('are those of the case just before', () => {
    expect(falseFacts(before, evaluated())).toEqual([]);
    const other = evaluated(
      1,
      facts({
        case: { state: 'CLOSED', priority: 'LOW', retryCount: 7, lastErrorType: '' },
        task: { channel: 'EMAIL', userRole: 'AGENT', attempt: 2 },
      }),
    );
    expect(falseFacts(before, other)).toEqual(
      [
        'case.state',
        'case.priority',
        'case.retryCount',
        'case.lastErrorType',
        'task.channel',
        'task.userRole',
        'task.attempt',
      ].map((name) => `${name} is not what it was`),
    );
  });
  it('are about the attempt that the verdict names', () => {
    const verdict = evaluated();
    expect(falseFacts(before, { ...verdict, data: { ...verdict.data, attempt: 2 } })).toEqual([
      'it is about another attempt than its facts',
    ]);
  });
  it('hold what a reviewer has put in place of the recommendation, and nothing else', () => {
    const same = { intent: 'ESCALATE', routeTarget: 'CORE_SYSTEM' };
    expect(falseFacts(edited, reviewerSays(same))).toEqual([]);
    expect(falseFacts(edited, reviewerSays({ ...same, intent: 'MANUAL_REVIEW' }))).toEqual(NOT_DECIDED);
    expect(falseFacts(edited, reviewerSays({ ...same, source: 'model' }))).toEqual(NOT_DECIDED);
    expect(falseFacts(edited, evaluated(1, facts({ decision: { ...same, source: 'reviewer' } })))).toEqual(
      NOT_DECIDED,
    );
    expect(falseFacts(inReview, reviewerSays(same))).toEqual(NOT_DECIDED);
  });
  it('of a task that is not there are left to the fold', () => {
    expect(falseFacts(before, evaluated(2))).toEqual([]);
    expect(before.tasks.has(taskId(2))).toBe(false);
  });
});
