import { describe, expect, it } from 'vitest';
import type { CaseEvent } from '../../src/domain/events.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import { needsFourEyes } from '../../src/domain/reviewRules.ts';
import { caseAfter, facts, playbook, policy, stateChanged, taskId } from '../support/builders.ts';
import { reviewed } from '../support/reviewBuilders.ts';
import {
  ANOTHER,
  ann,
  bob,
  cid,
  claiming,
  decidedOn,
  deciding,
  doubtful,
  eventsOf,
  inReview,
  RECOMMENDED,
  releasing,
  startedBy,
  story,
  submitter,
  verdictOf,
} from './reviewing.ts';
import { given, thrownBy } from './specification.ts';

/** The default policy, where one override takes a second person. */
const strict = parsePolicy(
  policy.source.replace('overridesFrom: 3', 'overridesFrom: 1'),
  'policy.yaml',
  playbook,
);
const using = { policy: strict };
type By = { readonly by: typeof ann };
const claims = (by: By['by']) => claiming({ by, using });
const overriding = { overrides: ['confidence'] };
const approves = (by: By['by'], more: Partial<Parameters<typeof deciding>[1]> = {}) =>
  deciding('APPROVED', { ...overriding, ...more }, { by, using });
const edits = (by: By['by'], action = ANOTHER) => deciding('EDITED', { action }, { by, using });
const asks = (by: By['by']) => deciding('INFO_REQUESTED', {}, { by, using });

const claimedBy = (events: readonly CaseEvent[], by: By['by']) => story(events, claims(by));
const annHas = claimedBy(inReview, ann);
/** ann has approved, and a second person must. */
const annApproved = story(annHas, approves(ann));
const reviewAfter = (events: readonly CaseEvent[]) => caseAfter(events).tasks.get(taskId())?.review;
const note: CaseEvent = { type: 'CaseNoteAdded', data: { text: { sealed: 'a note' }, command: null } };
const isFirst = (events: readonly CaseEvent[], by: string) =>
  expect(events.at(-1)).toMatchObject({ type: 'ReviewDecided', data: { reviewer: by, awaitsSecond: true } });
const isFinal = (events: readonly CaseEvent[], by: string, action = RECOMMENDED) =>
  expect(events.slice(-3)).toMatchObject([
    { type: 'ReviewDecided', data: { reviewer: by, awaitsSecond: false, action } },
    { type: 'GuardrailEvaluated', data: { verdict: 'EXECUTE', authority: { reviewer: by } } },
    { type: 'ActionStarted', data: { backend: action.routeTarget, authority: { reviewer: by } } },
  ]);

describe('whether two persons are needed', () => {
  const rules = { intents: ['RESEND'], riskAbove: 0.6, overridesFrom: 3 };
  const needs = (approval: Partial<Parameters<typeof needsFourEyes>[1]>, fourEyes = rules) =>
    needsFourEyes(
      { ...policy.reviews, fourEyes },
      { intent: 'RETRY_EXTERNAL_CALL', riskScore: 0, overrides: 0, ...approval },
    );
  it.each([
    [false, {}],
    [true, { intent: 'RESEND' }],
    [false, { riskScore: 0.6 }],
    [true, { riskScore: 0.6000001 }],
    [false, { overrides: 2 }],
    [true, { overrides: 3 }],
    [true, { overrides: 4 }],
  ])('%s for %j', (expected, approval) => expect(needs(approval)).toBe(expected));
  it('never, where the policy says nothing of it', () => {
    const { overridesFrom: _, ...silent } = { ...rules, intents: [], riskAbove: 1 };
    const approval = { intent: 'RESEND', riskScore: 1, overrides: 99 };
    expect(needsFourEyes({ ...policy.reviews, fourEyes: silent }, approval)).toBe(false);
  });
  it('only overrides that are needed count', () => {
    const three = parsePolicy(
      policy.source.replace('overridesFrom: 3', 'overridesFrom: 2'),
      'p.yaml',
      playbook,
    );
    const overrides = ['confidence', 'risk', 'certain', 'role'];
    const { events } = deciding('APPROVED', { overrides }, { using: { policy: three } })(caseAfter(annHas));
    expect(events).toHaveLength(3);
  });
});

describe('the first of two approvals', () => {
  it('is recorded alone, with what it is of and what it overrides, and ends the claim', () => {
    given(...annHas)
      .when(approves(ann))
      .thenEvents(decidedOn(annHas, 'APPROVED', { ...overriding, awaitsSecond: true }, using));
    expect(caseAfter(annApproved).tasks.get(taskId())).toMatchObject({
      status: 'IN_REVIEW',
      review: { claim: null, approved: null, firstApproval: { reviewer: 'ann', action: RECOMMENDED } },
    });
  });
  it('takes the same guardrails, role and person as any', () => {
    given(...annHas)
      .when(approves(ann, { overrides: [] }))
      .thenRefused('GUARDRAILS_REFUSE', null);
    given(...annHas)
      .when(approves({ ...ann, roles: [] }))
      .thenRefused('ROLE_NOT_HELD', null);
    given(...claimedBy(inReview, submitter))
      .when(approves(submitter))
      .thenRefused('REVIEWER_NOT_ALLOWED', null);
  });
});

describe('the second', () => {
  const bobHas = claimedBy(annApproved, bob);

  it('has the action executed, in the name of who gave it', () =>
    given(...bobHas)
      .when(approves(bob))
      .thenEvents(
        decidedOn(bobHas, 'APPROVED', { ...overriding, reviewer: 'bob' }, using),
        {
          ...verdictOf(facts({ decision: doubtful }), ['confidence'], 'bob'),
          data: {
            ...verdictOf(facts({ decision: doubtful }), ['confidence'], 'bob').data,
            policyHash: strict.hash,
          },
        },
        startedBy('bob'),
      ));
  it('is another person’s', () => {
    const again = claimedBy(annApproved, ann);
    expect(thrownBy(() => approves(ann)(caseAfter(again)))).toMatchObject({
      code: 'REVIEWER_NOT_ALLOWED',
      message: 'you have approved it; a second person must do so too',
    });
  });
  it('is not the submitter’s, nor that of somebody without the role', () => {
    given(...claimedBy(annApproved, submitter))
      .when(approves(submitter))
      .thenRefused('REVIEWER_NOT_ALLOWED', null);
    given(...bobHas)
      .when(approves({ ...bob, roles: ['AGENT'] }))
      .thenRefused('ROLE_NOT_HELD', null);
  });
  it('overrides in its own words what stands against it', () =>
    given(...bobHas)
      .when(approves(bob, { overrides: [] }))
      .thenRefused('GUARDRAILS_REFUSE', null));
  it('is given by who has seen the first', () => {
    const { reviewedHash } = decidedOn(annHas, 'APPROVED', {}, using).data;
    given(...bobHas)
      .when(approves(bob, { reviewedHash }))
      .thenRefused('REVIEW_STALE', null);
  });
  it('may reject it', () => {
    const rejected = story(bobHas, deciding('REJECTED', {}, { by: bob, using }));
    expect(caseAfter(rejected).tasks.get(taskId())).toMatchObject({
      status: 'REJECTED',
      review: { firstApproval: null, approved: null },
    });
  });
  it('may be given after a question, a release, an expired lease', () => {
    isFinal(story(bobHas, asks(bob), claims(cid), approves(cid)), 'cid');
    isFinal(story(bobHas, releasing({ by: bob, using }), claims(cid), approves(cid)), 'cid');
    isFinal(story(bobHas, asks(bob), claims(ann), asks(ann), claims(bob), approves(bob)), 'bob');
  });
  it('of what needs one person only has that executed at once', () =>
    isFinal(story(bobHas, edits(bob)), 'bob', ANOTHER));
});

describe('another action than the first one’s', () => {
  /** Every intent takes a second person. */
  const always = parsePolicy(
    policy.source.replace('    intents: []', '    intents: [RETRY_EXTERNAL_CALL]'),
    'policy.yaml',
    playbook,
  );
  const all = { policy: always };
  const edit = (by: By['by'], action = ANOTHER) => deciding('EDITED', { action }, { by, using: all });
  const approve = (by: By['by']) => deciding('APPROVED', overriding, { by, using: all });
  const first = story(annHas, approve(ann));

  it('is the first of two itself, and the other one is gone', () => {
    const second = story(first, claims(bob), edit(bob));
    isFirst(second, 'bob');
    expect(reviewAfter(second)).toMatchObject({ firstApproval: { reviewer: 'bob', action: ANOTHER } });
    isFirst(story(second, claims(cid), approve(cid)), 'cid');
  });
  it('is executed when a second person says so, who may be the first one’s', () => {
    const second = story(first, claims(bob), edit(bob));
    isFinal(story(second, claims(cid), edit(cid)), 'cid', ANOTHER);
    isFinal(story(second, claims(ann), edit(ann)), 'ann', ANOTHER);
    expect(thrownBy(() => story(second, claims(bob), edit(bob)))).toMatchObject({
      code: 'REVIEWER_NOT_ALLOWED',
    });
  });
  it('may be what the same person has come to prefer', () => {
    const second = story(first, claims(ann), edit(ann));
    isFirst(second, 'ann');
    isFinal(story(second, claims(bob), edit(bob)), 'bob', ANOTHER);
    isFirst(story(second, claims(bob), approve(bob)), 'bob');
  });
  it('and back again, however often, is one that a second person may join', () => {
    const third = story(first, claims(bob), edit(bob), claims(ann), approve(ann));
    isFirst(third, 'ann');
    isFinal(story(third, claims(cid), approve(cid)), 'cid');
    const fourth = story(third, claims(bob), edit(bob));
    isFinal(story(fourth, claims(cid), edit(cid)), 'cid', ANOTHER);
  });
  it('lapses as the first of all would', () => {
    const second = story(first, claims(bob), edit(bob));
    const changed = [...second, stateChanged('SUSPENDED'), stateChanged('OPEN', { from: 'SUSPENDED' }), note];
    isFirst(story(changed, claims(cid), edit(cid)), 'cid');
  });
});

describe('the first approval lapses', () => {
  it('by whatever makes untrue what it was given on: the next one becomes the first', () => {
    const changed = story([...annApproved, note], claims(bob), approves(bob));
    isFirst(changed, 'bob');
    isFinal(story(changed, claims(cid), approves(cid)), 'cid');
    isFinal(story(changed, claims(ann), approves(ann)), 'ann');
  });
  it('for the one who gave it, too, who may be the first again', () => {
    const again = story([...annApproved, note], claims(ann), approves(ann));
    isFirst(again, 'ann');
    expect(thrownBy(() => story(again, claims(ann), approves(ann)))).toMatchObject({
      code: 'REVIEWER_NOT_ALLOWED',
    });
  });
  it('under another policy', () => {
    const other = parsePolicy(`${strict.source}\n# another text\n`, 'policy.yaml', playbook);
    const asked = { by: bob, using: { policy: other } };
    isFirst(story(annApproved, claiming(asked), deciding('APPROVED', overriding, asked)), 'bob');
  });
  it('is not shown any more then', () => {
    const lapsed = story([...annApproved, note], claims(bob));
    const never = story([...annHas, reviewed('INFO_REQUESTED', 1, { reviewer: 'ann' }), note], claims(bob));
    const { reviewedHash } = decidedOn(never, 'APPROVED', {}, using).data;
    isFirst(eventsOf(lapsed, approves(bob, { reviewedHash })), 'bob');
  });
  it('not by time, claims, or what other tasks are told', () =>
    isFinal(
      story(
        annApproved,
        claims(cid),
        asks(cid),
        claims(ann),
        releasing({ by: ann, using }),
        claims(bob),
        approves(bob),
      ),
      'bob',
    ));
});
