import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Case } from '../../src/domain/case.ts';
import { addNote, changeState, eraseCase, openCase, receiveTask } from '../../src/domain/decide.ts';
import type { CaseEvent, CaseNoteAdded } from '../../src/domain/events.ts';
import { recordable } from '../../src/domain/recordable.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import { claimReview, releaseReview } from '../../src/domain/reviewClaims.ts';
import { decideReview } from '../../src/domain/reviewDecisions.ts';
import { isFinished } from '../../src/domain/standing.ts';
import { streams } from '../support/arbitraries.ts';
import {
  AT,
  cancelled,
  caseAfter,
  context,
  erased,
  executed,
  opened,
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
import { claimed, outcomeReview } from '../support/reviewBuilders.ts';
import { given } from './specification.ts';
import { upTo } from './stages.ts';

const KEY = { keyHash: 'key', requestHash: 'request' };
const erase =
  (command: typeof KEY | null = null) =>
  (current: Case) =>
    eraseCase(current, 'SUBJECT_REQUEST', command);
const closed = stateChanged('CLOSED', { reason: 'CASE_ERASED' });
const gone = (n = 1) => cancelled(n, 'CASE_ERASED');
const note = (command: typeof KEY | null = null): CaseNoteAdded => ({
  type: 'CaseNoteAdded',
  data: { text: { sealed: 'text' }, command },
});
const RITA = { id: 'rita', kind: 'person', roles: ['OPS'], authMethod: 'oidc' } as const;
const BY_RITA = { reviewer: RITA, now: AT, command: null };

describe('erasing', () => {
  it('closes an open case, and records its key with the erasure', () =>
    given(opened()).when(erase(KEY)).thenEvents(closed, erased(KEY)));
  it.each<[string, readonly CaseEvent[], readonly CaseEvent[]]>([
    [
      'a suspended case',
      [stateChanged('SUSPENDED')],
      [{ ...closed, data: { ...closed.data, from: 'SUSPENDED' } }],
    ],
    ['a closed case', [stateChanged('CLOSED')], []],
    ['a case with a task that was received', upTo.received, [closed, gone()]],
    ['a case with a task that is decided', upTo.decided, [closed, gone()]],
    ['a case with a task that waits for its next attempt', upTo.scheduled, [closed, gone()]],
    ['a case with a review', upTo.inReview, [closed, gone()]],
    ['a case with a review that somebody has', [...upTo.inReview, claimed()], [closed, gone()]],
    [
      'a case with an unknown outcome that a person has',
      [...upTo.unknown, routed(1, ['X'])],
      [closed, gone()],
    ],
    ['a case whose task is done', upTo.completed, [closed]],
    ['a closed case with a review', [stateChanged('CLOSED'), ...upTo.inReview], [gone()]],
  ])('%s', (_, before, events) => {
    given(opened(), ...before)
      .when(erase())
      .thenEvents(...events, erased());
  });

  it.each<[string, readonly CaseEvent[], 'ACTION_OPEN' | 'OUTCOME_UNKNOWN']>([
    ['an action is open', upTo.executing, 'ACTION_OPEN'],
    ['it may be looked up what an attempt did', upTo.unknown, 'OUTCOME_UNKNOWN'],
    [
      'an attempt of unknown outcome is to be made again',
      [...upTo.unknown, retryScheduled(1, 2, { reason: 'ATTEMPT_UNKNOWN' })],
      'OUTCOME_UNKNOWN',
    ],
  ])('is refused while %s, also of a closed case', (_, before, code) => {
    given(opened(), ...before)
      .when(erase())
      .thenRefused(code, null);
    given(opened(), ...before, stateChanged('CLOSED'))
      .when(erase())
      .thenRefused(code, null);
  });
  it('is refused of a case that is not there', () =>
    given().when(erase()).thenRefused('CASE_NOT_FOUND', 'case_id'));
  it('is refused under the key of another command', () =>
    given(opened(), note(KEY))
      .when(erase({ ...KEY, requestHash: 'other' }))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key'));

  const done = [opened(), closed, erased(KEY)];
  it.each<[string, typeof KEY | null]>([
    ['with its key', KEY],
    ['without one', null],
    ['with another one', { ...KEY, keyHash: 'other' }],
    ['with its key and another reason, which nobody can tell any more', { ...KEY, requestHash: 'other' }],
  ])('again is answered as erased: %s', (_, command) => {
    given(...done)
      .when(erase(command))
      .thenRepeat();
  });
});

describe('an erased case', () => {
  const done = [opened(), ...upTo.inReview, closed, gone(), erased(KEY)];
  const decision = {
    resolution: 'REJECTED',
    reasonCode: 'NOT_JUSTIFIED',
    note: null,
    reviewedHash: '',
    reviewedRevision: 0,
    overrides: [],
    action: null,
  } as const;
  it.each<[string, Parameters<ReturnType<typeof given>['when']>[0]]>([
    ['opened again, with the same content', (current) => openCase(current, opened())],
    ['opened again, with other content', (current) => openCase(current, opened({ contentHash: 'other' }))],
    ['a new task', (current) => receiveTask(current, received(2))],
    ['its task again', (current) => receiveTask(current, received(1))],
    ['a note', (current) => addNote(current, note())],
    ['being opened', (current) => changeState(current, 'OPEN', 'X', current.revision, null)],
    ['being closed', (current) => changeState(current, 'CLOSED', 'X', 0, KEY)],
    ['a claim', (current) => claimReview(current, taskId(), false, BY_RITA, policy)],
    ['a release', (current) => releaseReview(current, taskId(), BY_RITA, policy)],
    ['a decision', (current) => decideReview(current, taskId(), decision, BY_RITA, context())],
  ])('refuses %s', (_, decide) => {
    given(...done)
      .when(decide)
      .thenRefused('CASE_KEY_DESTROYED', null);
  });

  it('says when, why and where', () =>
    given(opened(), closed)
      .whenFolding(erased(KEY))
      .thenCase({ erased: { at: AT, reason: 'SUBJECT_REQUEST', revision: 2, position: 2n }, revision: 2 }));

  const late = [opened(), ...upTo.unknown, routed(1, ['X']), closed, gone(), erased()];
  it('still learns what a backend did, and nothing follows from it', () => {
    const current = caseAfter(late);
    const found = recordable(current, executed('SUCCEEDED'));
    expect(found).toStrictEqual(resolved('SUCCEEDED'));
    given(...late)
      .whenBrought([resolved('SUCCEEDED')])
      .thenEvents(resolved('SUCCEEDED'));
  });
  it.each<[string, CaseEvent]>([
    ['a note', note()],
    ['a task', received(2)],
    ['a recommendation', recommended()],
    ['a routing', routed(1, ['X'])],
    ['a claim', claimed()],
    ['an attempt', started()],
    ['another state', stateChanged('OPEN', { from: 'CLOSED' })],
    ['a second erasure', erased()],
    [
      'a reviewer’s word on an attempt, whose note would be sealed',
      resolved('FAILED', 1, 1, { source: 'REVIEWER', review: outcomeReview('rita') }),
    ],
  ])('cannot be followed by %s', (_, event) => {
    given(...late)
      .whenFolding(event)
      .thenFails(/after CaseErased/);
  });
  it.each<[string, readonly CaseEvent[]]>([
    ['is not closed', [opened()]],
    ['has an open review', [opened(), ...upTo.inReview, closed]],
    ['has an open action', [opened(), ...upTo.executing, closed]],
  ])('cannot be one that %s', (_, before) => {
    given(...before)
      .whenFolding(erased())
      .thenFails(/CaseErased of what is still open/);
  });
});

it('whatever the case: erasing is refused for one of two reasons, or leaves nothing open and folds', () => {
  const reached = { again: 0, refused: 0, erased: 0, cancelled: 0 };
  const check = (before: Case): void => {
    const statuses = [...before.tasks.values()].map(({ status }) => status);
    const mayAct = statuses.includes('EXECUTING') || statuses.includes('OUTCOME_UNKNOWN');
    const decided = outcomeOf(() => erase()(before));
    if (decided instanceof RefusedError) {
      reached.refused += 1;
      expect(['ACTION_OPEN', 'OUTCOME_UNKNOWN']).toContain(decided.code);
      return;
    }
    expect(mayAct).toBe(false);
    expect(decided.replayed).toBe(before.erased !== null);
    reached[decided.replayed ? 'again' : 'erased'] += 1;
    const after = caseAfter(decided.events, before);
    reached.cancelled += decided.events.filter(({ type }) => type === 'TaskCancelled').length;
    expect(after).toMatchObject({ state: 'CLOSED', erased: { reason: 'SUBJECT_REQUEST' } });
    expect([...after.tasks.values()].filter((task) => !isFinished(task))).toEqual([]);
  };
  fc.assert(
    fc.property(streams, (events) => check(caseAfter(events))),
    { numRuns: 300, seed: 6 },
  );
  expect(Math.min(...Object.values(reached))).toBeGreaterThan(5);
});

function outcomeOf<T>(act: () => T): T | RefusedError {
  try {
    return act();
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
}
