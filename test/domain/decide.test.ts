import { describe, it } from 'vitest';
import { addNote, changeState, openCase, receiveTask } from '../../src/domain/decide.ts';
import type { CaseEvent, CaseNoteAdded, CommandKey } from '../../src/domain/events.ts';
import type { CaseState } from '../../src/domain/vocabulary.ts';
import {
  cancelled,
  evaluated,
  executed,
  opened,
  permitted,
  received,
  recommended,
  resolved,
  retryScheduled,
  routed,
  started,
  stateChanged,
} from '../support/builders.ts';
import { approvedBy, claimed, overdue, reviewed } from '../support/reviewBuilders.ts';
import { given } from './specification.ts';

const key = (request = 'request'): CommandKey => ({ keyHash: 'key', requestHash: request });

describe('openCase', () => {
  const open = opened();
  it('opens a case that is not there', () =>
    given()
      .when((current) => openCase(current, open))
      .thenEvents(open));
  it('recognises the same content', () =>
    given(open)
      .when((current) => openCase(current, opened({ contentHash: 'content' })))
      .thenRepeat());
  it('recognises it however the case has moved on since', () =>
    given(open, received(), stateChanged('CLOSED'))
      .when((current) => openCase(current, open))
      .thenRepeat());
  it('refuses other content', () =>
    given(open)
      .when((current) => openCase(current, opened({ contentHash: 'other' })))
      .thenRefused('CASE_EXISTS', null));
});

describe('receiveTask', () => {
  const receive =
    (event = received()) =>
    (current: Parameters<typeof receiveTask>[0]) =>
      receiveTask(current, event);

  it('receives a task', () => given(opened()).when(receive()).thenEvents(received()));
  it('receives a second task beside the first', () =>
    given(opened(), received(1))
      .when(receive(received(2)))
      .thenEvents(received(2)));
  it.each(['SUSPENDED', 'CLOSED'] as const)('receives a task of a case that is %s', (state) =>
    given(opened(), stateChanged(state)).when(receive()).thenEvents(received()),
  );
  it('refuses a task of a case that is not there', () =>
    given().when(receive()).thenRefused('CASE_NOT_FOUND', 'case_id'));
  it('recognises a repeat, although its text is encrypted anew', () =>
    given(opened(), received())
      .when(receive(received(1, { description: { sealed: 'another nonce' } })))
      .thenRepeat());
  it('recognises a repeat when the task is long done', () =>
    given(opened(), received(), recommended(), evaluated(), started(), executed('SUCCEEDED'))
      .when(receive())
      .thenRepeat());
  it.each([
    ['channel', { channel: 'EMAIL' }],
    ['user_role', { userRole: 'AGENT' }],
    ['description', { requestHash: 'another request' }],
  ] as const)('refuses its key with another %s', (field, changes) =>
    given(opened(), received())
      .when(receive(received(1, changes)))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', field),
  );
});

describe('changeState', () => {
  const change =
    (to: CaseState, expected: number, command: CommandKey | null = null, reason = 'asked for') =>
    (current: Parameters<typeof changeState>[0]) =>
      changeState(current, to, reason, expected, command);
  const caseIn = (state: CaseState): CaseEvent[] =>
    state === 'OPEN' ? [opened()] : [opened(), stateChanged(state)];

  const MOVES = [
    ['OPEN', 'SUSPENDED'],
    ['OPEN', 'CLOSED'],
    ['SUSPENDED', 'OPEN'],
    ['SUSPENDED', 'CLOSED'],
    ['CLOSED', 'OPEN'],
  ] as const;
  const STATES: readonly CaseState[] = ['OPEN', 'SUSPENDED', 'CLOSED'];
  it.each(MOVES)('moves from %s to %s', (from, to) =>
    given(...caseIn(from))
      .when(change(to, caseIn(from).length - 1))
      .thenEvents(stateChanged(to, { from })),
  );
  it.each(
    STATES.flatMap((from) => STATES.map((to) => [from, to] as const)).filter(
      ([from, to]) => !MOVES.some((move) => move[0] === from && move[1] === to),
    ),
  )('refuses to move from %s to %s', (from, to) =>
    given(...caseIn(from))
      .when(change(to, caseIn(from).length - 1))
      .thenRefused('STATE_NOT_ALLOWED', null),
  );
  it('refuses a case that is not there', () =>
    given().when(change('CLOSED', -1)).thenRefused('CASE_NOT_FOUND', 'case_id'));
  it.each([0, 2, -1])('refuses a revision that is not the case’s (%i)', (expected) =>
    given(opened(), received()).when(change('CLOSED', expected)).thenRefused('REVISION_STALE', 'If-Match'),
  );
  it('recognises its key, whatever revision comes with it', () =>
    given(opened(), stateChanged('CLOSED', { command: key() }))
      .when(change('CLOSED', 0, key()))
      .thenRepeat());
  it('refuses its key with another request', () =>
    given(opened(), stateChanged('CLOSED', { command: key() }))
      .when(change('OPEN', 1, key('another')))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key'));
  it('records the key with the change', () =>
    given(opened())
      .when(change('SUSPENDED', 0, key()))
      .thenEvents(stateChanged('SUSPENDED', { command: key() })));

  describe('closing', () => {
    const closing = (...tasks: readonly CaseEvent[]) =>
      given(opened(), ...tasks).when(change('CLOSED', tasks.length));
    const closed = stateChanged('CLOSED');
    const firstApproval = reviewed('APPROVED', 1, { reviewer: 'ann', awaitsSecond: true });
    it('cancels a task that waits for its recommendation', () =>
      closing(received()).thenEvents(closed, cancelled()));
    it('cancels a task that is decided', () =>
      closing(received(), recommended()).thenEvents(closed, cancelled()));
    it('cancels a task that a person has', () =>
      closing(received(), recommended(), routed(1, ['RISK_TOO_HIGH'])).thenEvents(closed, cancelled()));
    it.each<[string, readonly CaseEvent[]]>([
      ['has claimed', [claimed(1, 'ann')]],
      ['has approved, and a second one must', [claimed(1, 'ann'), firstApproval]],
      ['has had too long', [overdue()]],
    ])('cancels a task that a person %s', (_, more) =>
      closing(received(), recommended(), routed(1, ['RISK_TOO_HIGH']), ...more).thenEvents(
        closed,
        cancelled(),
      ),
    );
    it('leaves what a person has rejected, or has being done', () => {
      const inReview = [received(), recommended(), routed(1, ['RISK_TOO_HIGH'])];
      closing(...inReview, claimed(1, 'ann'), reviewed('REJECTED', 1, { reviewer: 'ann' })).thenEvents(
        closed,
      );
      closing(...inReview, ...approvedBy('ann')).thenEvents(closed);
      closing(...inReview, ...approvedBy('ann'), executed('SUCCEEDED')).thenEvents(closed);
      closing(...inReview, ...approvedBy('ann'), executed('UNKNOWN')).thenEvents(closed);
    });
    it('cancels a task whose retry is scheduled', () =>
      closing(
        received(),
        recommended(),
        evaluated(),
        started(),
        executed('FAILED'),
        retryScheduled(),
      ).thenEvents(closed, cancelled()));
    it('cancels a task that waits for its backend', () =>
      closing(received(), recommended(), retryScheduled(1, 1)).thenEvents(closed, cancelled()));
    it('leaves a task whose attempt is unknown, also while it waits: it may have been done, and must be told of', () => {
      const unknown = [received(), recommended(), evaluated(), started(), executed('UNKNOWN')];
      closing(...unknown).thenEvents(closed);
      closing(...unknown, retryScheduled(1, 2, { reason: 'ATTEMPT_UNKNOWN' })).thenEvents(closed);
    });
    it('cancels it when a person has been told', () =>
      closing(
        received(),
        recommended(),
        evaluated(),
        started(),
        executed('UNKNOWN'),
        routed(1, ['ACTION_OUTCOME_UNKNOWN']),
      ).thenEvents(closed, cancelled()));
    it('leaves a task that a late answer has ended', () =>
      closing(
        received(),
        recommended(),
        evaluated(),
        started(),
        executed('UNKNOWN'),
        routed(1, ['ACTION_OUTCOME_UNKNOWN']),
        resolved('SUCCEEDED'),
      ).thenEvents(closed));
    it('leaves a task whose attempt is open', () =>
      closing(received(), recommended(), evaluated(), started()).thenEvents(closed));
    it('leaves a task whose second attempt is open, although the first is known to have done it', () =>
      closing(
        received(),
        recommended(),
        evaluated(),
        started(),
        executed('UNKNOWN'),
        permitted(1, 2),
        started(1, 2),
        resolved('SUCCEEDED'),
      ).thenEvents(closed));
    it('leaves what is finished', () =>
      closing(received(), recommended(), evaluated(), started(), executed('SUCCEEDED')).thenEvents(closed));
    it('cancels every open task, in the order in which they came', () =>
      closing(
        received(2),
        received(1),
        received(3),
        recommended(1),
        evaluated(1),
        started(1),
        received(4),
      ).thenEvents(closed, cancelled(2), cancelled(3), cancelled(4)));
    it('suspending cancels nothing', () =>
      given(opened(), received()).when(change('SUSPENDED', 1)).thenEvents(stateChanged('SUSPENDED')));
    it('cancels nothing twice', () =>
      given(opened(), received(), closed, cancelled(), stateChanged('OPEN', { from: 'CLOSED' }))
        .when(change('CLOSED', 4))
        .thenEvents(closed));
  });
});

describe('addNote', () => {
  const note = (command: CommandKey | null = null): CaseNoteAdded => ({
    type: 'CaseNoteAdded',
    data: { text: { sealed: 'a note' }, command },
  });
  it.each(['SUSPENDED', 'CLOSED'] as const)('is possible when the case is %s', (state) =>
    given(opened(), stateChanged(state))
      .when((current) => addNote(current, note()))
      .thenEvents(note()),
  );
  it('refuses a case that is not there', () =>
    given()
      .when((current) => addNote(current, note()))
      .thenRefused('CASE_NOT_FOUND', 'case_id'));
  it('recognises its key', () =>
    given(opened(), note(key()))
      .when((current) => addNote(current, note(key())))
      .thenRepeat());
  it('refuses its key with another text', () =>
    given(opened(), note(key()))
      .when((current) => addNote(current, note(key('another'))))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key'));
  it('takes the same text twice where there is no key', () =>
    given(opened(), note())
      .when((current) => addNote(current, note()))
      .thenEvents(note()));
  it('does not mistake the key of a change of state for its own', () =>
    given(opened(), stateChanged('SUSPENDED', { command: key('suspend') }))
      .when((current) => addNote(current, note(key('note'))))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key'));
});
