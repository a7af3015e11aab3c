import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { changedParts, type Reviewed, reviewedHash } from '../../src/domain/reviewed.ts';
import type { JudgeContext } from '../../src/domain/verdicts.ts';
import { automatingPlaybook } from '../support/arbitraries.ts';
import {
  backendFacts,
  calm,
  cancelled,
  caseAfter,
  evaluated,
  executed,
  facts,
  later,
  opened,
  permitted,
  policy,
  received,
  recommended,
  resolved,
  retryScheduled,
  routed,
  started,
  stateChanged,
  taskId,
} from '../support/builders.ts';
import { approvedBy, claimed, overdue, released, reviewed } from '../support/reviewBuilders.ts';
import { ann, claimedByAnn, deciding, hashAfter, partsAfter, recording } from './reviewing.ts';
import { given } from './specification.ts';

/** Attempt 1 of task 1 is unknown, and ann has it. */
const before = [
  opened(),
  received(),
  recommended(),
  permitted(),
  started(),
  executed('UNKNOWN'),
  routed(1, ['ACTION_OUTCOME_UNKNOWN'], 'failures', 120),
  claimed(1, 'ann'),
];
const note: CaseEvent = { type: 'CaseNoteAdded', data: { text: { sealed: 'a note' }, command: null } };
const others = [received(2), recommended(2), permitted(2), started(2)];
const byAnnAgain = claimed(1, 'ann', later(60 * 60_000));

type Row = readonly [
  what: string,
  happened: readonly CaseEvent[],
  using: Partial<JudgeContext>,
  changed: readonly string[],
];
/** What makes untrue what was seen. */
const RELEVANT: readonly Row[] = [
  ['a late FAILED of its attempt', [resolved('FAILED')], {}, ['attempts', 'case']],
  ['a lookup in vain', [resolved('UNKNOWN', 1, 1, { source: 'LOOKUP' })], {}, ['attempts']],
  ['the case’s state', [stateChanged('SUSPENDED')], {}, ['case']],
  ['a note', [note], {}, ['notes']],
  ['an action of another task', others, {}, ['otherActions']],
  ['its result', [...others, executed('SUCCEEDED', 2)], {}, ['case', 'otherActions']],
  ['its failure', [...others, executed('FAILED', 2)], {}, ['case', 'otherActions']],
  [
    'another’s approval',
    [
      reviewed('APPROVED', 1, { reviewer: 'ann', reviewedHash: hashAfter(before), awaitsSecond: true }),
      byAnnAgain,
    ],
    {},
    ['approval'],
  ],
  ['another policy', [], { policy: { ...policy, hash: 'another' } }, ['policy']],
  ['another playbook', [], { playbook: automatingPlaybook }, ['policy']],
  ['another reading of the text', [], { signals: { ...calm, uncertain: true } }, ['policy']],
  ['a pause', [], { paused: () => true }, ['automation']],
  [
    'an attempt in a reviewer’s name',
    [
      reviewed('APPROVED', 1, { reviewer: 'ann' }),
      ...approvedBy('ann', 1, 2).slice(2),
      executed('FAILED', 1, 2),
      routed(1, ['ACTION_OUTCOME_UNKNOWN', 'ACTION_FAILED'], 'failures', 120),
      byAnnAgain,
    ],
    {},
    ['verdicts', 'attempts', 'routing', 'case'],
  ],
];
/** What leaves everything true that was seen. */
const IRRELEVANT: readonly Row[] = [
  ['a renewal', [byAnnAgain], {}, []],
  ['a release and a claim', [released(1, 'ann'), byAnnAgain], {}, []],
  ['a takeover and back', [claimed(1, 'sue', later(9), 'ann'), byAnnAgain], {}, []],
  ['a question', [reviewed('INFO_REQUESTED', 1, { reviewer: 'ann' }), byAnnAgain], {}, []],
  ['a deadline', [overdue(1, later(120 * 60_000), null, 'failures')], {}, []],
  [
    'an escalation',
    [overdue(1, later(120 * 60_000), { queue: 'supervisors', dueBy: later(9e6) }, 'failures')],
    {},
    [],
  ],
  ['another task', [received(2)], {}, []],
  ['its recommendation', [received(2), recommended(2)], {}, []],
  ['its pause', [received(2), recommended(2), retryScheduled(2, 1)], {}, []],
  [
    'its review',
    [
      received(2),
      recommended(2),
      routed(2, ['X']),
      claimed(2, 'bob'),
      reviewed('REJECTED', 2, { reviewer: 'bob' }),
    ],
    {},
    [],
  ],
  ['its end without an attempt', [received(2), cancelled(2)], {}, []],
  [
    'a state that came and went',
    [stateChanged('SUSPENDED'), stateChanged('OPEN', { from: 'SUSPENDED' })],
    {},
    [],
  ],
  [
    'time, a backend that is down, another id',
    [],
    { now: later(5), backend: () => backendFacts(), newActionId: 'x' },
    [],
  ],
  [
    'a pause of something else',
    [],
    { paused: (intent, route) => intent === 'X' || route === 'CORE_SYSTEM' },
    [],
  ],
];

describe('what was shown to a reviewer', () => {
  const shown = partsAfter(before);

  it.each(RELEVANT)('is not so any more after %s', (_, happened, using, changed) => {
    const now = partsAfter([...before, ...happened], using);
    expect(changedParts(shown, now)).toStrictEqual(changed);
    expect(reviewedHash(now)).not.toBe(reviewedHash(shown));
    for (const command of [
      deciding('REJECTED', { reviewedHash: reviewedHash(shown) }, { using }),
      deciding('APPROVED', { reviewedHash: reviewedHash(shown) }, { using }),
      recording('SUCCEEDED', { reviewedHash: reviewedHash(shown) }, { using }),
    ])
      given(...before, ...happened)
        .when(command)
        .thenRefused('REVIEW_STALE', null);
  });
  it.each(IRRELEVANT)('is so after %s', (_, happened, using) => {
    const now = partsAfter([...before, ...happened], using);
    expect(changedParts(shown, now)).toStrictEqual([]);
    const { events } = deciding(
      'REJECTED',
      { reviewedHash: reviewedHash(shown) },
      { using },
    )(caseAfter([...before, ...happened]));
    expect(events).toHaveLength(1);
  });

  /** The same, had something been otherwise from the start. */
  const OTHERWISE: readonly (readonly [string, readonly CaseEvent[], readonly string[]])[] = [
    ['another text', [opened(), received(1, { description: { sealed: 'x' } }), recommended()], ['task']],
    ['another channel', [opened(), received(1, { channel: 'EMAIL' }), recommended()], ['task']],
    ['another role', [opened(), received(1, { userRole: 'AGENT' }), recommended()], ['task']],
    ['another recommendation', [opened(), received(), recommended(1, { riskScore: 0.2 })], ['decision']],
    ['another source of it', [opened(), received(), recommended(1, {}, 'local')], ['decision']],
    ['another cause of it', [opened(), received(), recommended(1, {}, 'fallback')], ['decision']],
    ['a verdict', [opened(), received(), recommended(), evaluated()], ['verdicts']],
    [
      'a verdict over other facts',
      [opened(), received(), recommended(), evaluated(1, facts())],
      ['verdicts'],
    ],
    ['another priority', [opened({ priority: 'HIGH' }), received(), recommended()], ['case']],
    ['another attribute', [opened({ attributes: { policy: '4711' } }), received(), recommended()], ['case']],
    [
      'another personal attribute',
      [opened({ personalAttributes: { name: { sealed: 'x' } } }), received(), recommended()],
      ['case'],
    ],
    ['another count of failures', [opened({ retryCount: 2 }), received(), recommended()], ['case']],
    ['another error', [opened({ lastErrorType: null }), received(), recommended()], ['case']],
  ];
  it.each(OTHERWISE)('tells apart %s', (_, events, changed) => {
    const plain = partsAfter([opened(), received(), recommended(), routed(1, ['X'])]);
    expect(changedParts(plain, partsAfter([...events, routed(1, ['X'])]))).toStrictEqual(changed);
  });
  it('tells apart why the task was routed, but not where to', () => {
    const routedAs = (codes: readonly string[], queue: string) =>
      partsAfter([opened(), received(), recommended(), routed(1, codes, queue)]);
    expect(changedParts(routedAs(['X'], 'a'), routedAs(['Y'], 'a'))).toStrictEqual(['routing']);
    expect(changedParts(routedAs(['X'], 'a'), routedAs(['X'], 'b'))).toStrictEqual([]);
  });
  it('tells apart every single part, in the hash over them, too', () => {
    const names = Object.keys(shown) as (keyof Reviewed)[];
    expect(names).toHaveLength(11);
    const hashes = names.map((name) => reviewedHash({ ...shown, [name]: 'another' }));
    expect(new Set([...hashes, reviewedHash(shown)]).size).toBe(12);
  });
  it('is the same for whoever looks, whenever, in whatever process', () => {
    expect(reviewedHash(partsAfter(JSON.parse(JSON.stringify(before))))).toBe(reviewedHash(shown));
  });
  it('is refused as stale before anything of the decision itself is looked at, and after claim and reason', () => {
    const stale = { reviewedHash: 'x', overrides: ['no such guardrail'] };
    given(...claimedByAnn)
      .when(deciding('APPROVED', stale))
      .thenRefused('REVIEW_STALE', null);
    given(...claimedByAnn)
      .when(deciding('APPROVED', stale, { by: { ...ann, id: 'eve' } }))
      .thenRefused('REVIEW_CLAIMED', null);
  });
  it('is what another task’s review is not', () => {
    const both = [
      opened(),
      received(1),
      recommended(1),
      routed(1, ['X']),
      received(2),
      recommended(2),
      routed(2, ['X']),
    ];
    const differing = changedParts(partsAfter(both, {}, 1), partsAfter(both, {}, 2));
    expect(caseAfter(both).tasks.has(taskId(2))).toBe(true);
    expect(differing).toStrictEqual(['task']);
  });
});
