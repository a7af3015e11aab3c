import { describe, expect, it } from 'vitest';
import {
  type AutomationChange,
  type AutomationState,
  changeAutomation,
  foldAutomation,
  isPaused,
  type PauseTarget,
  pauseAtStart,
  RUNNING,
} from '../../src/domain/automation.ts';
import type { AutomationEvent, Recorded } from '../../src/domain/events.ts';
import { AUTOMATION_STREAM } from '../../src/domain/identifiers.ts';
import { RefusedError } from '../../src/domain/refusal.ts';
import { later, uuid } from '../support/builders.ts';
import { thrownBy } from './specification.ts';

const NAMES = { INTENT: ['RETRY', 'ESCALATE'], BACKEND: ['PARTNER_API', 'CORE_SYSTEM'] };
const ALL: PauseTarget = { scope: 'ALL', name: null };
const RETRY: PauseTarget = { scope: 'INTENT', name: 'RETRY' };
const PARTNER: PauseTarget = { scope: 'BACKEND', name: 'PARTNER_API' };

const command = (key: string, request = 'request') => ({ keyHash: key, requestHash: request });
const event = (
  type: AutomationEvent['type'],
  target: PauseTarget,
  changes: Partial<AutomationEvent['data']> = {},
): AutomationEvent => ({ type, data: { ...target, reason: 'BECAUSE', command: null, ...changes } });
const paused = (target: PauseTarget, changes = {}) => event('AutomationPaused', target, changes);
const resumed = (target: PauseTarget, changes = {}) => event('AutomationResumed', target, changes);

/** The n-th event of the stream, by actor `actor n`, n milliseconds after the start. */
const recorded = (one: AutomationEvent, revision: number): Recorded<AutomationEvent> => ({
  ...one,
  id: uuid(revision + 1),
  stream: AUTOMATION_STREAM,
  revision,
  position: BigInt(10 * (revision + 1)),
  metadata: {
    actor: { kind: 'person', id: `actor ${revision}`, roles: [], authMethod: 'oidc' },
    correlationId: null,
    causationId: null,
    recordedAt: later(revision),
    schemaVersion: 1,
    traceparent: null,
    prevHash: null,
    hash: 'f'.repeat(64),
  },
});
const stateAfter = (...events: readonly AutomationEvent[]): AutomationState =>
  foldAutomation(RUNNING, events.map(recorded));
const held = (target: PauseTarget, revision: number) => ({
  ...target,
  since: later(revision),
  by: `actor ${revision}`,
  reason: 'BECAUSE',
});

const change = (
  type: AutomationEvent['type'],
  target: PauseTarget,
  key: AutomationChange['command'] = null,
): AutomationChange => ({ type, target, reason: 'BECAUSE', command: key });
const pause = (target: PauseTarget, key: AutomationChange['command'] = null) =>
  change('AutomationPaused', target, key);
const resume = (target: PauseTarget, key: AutomationChange['command'] = null) =>
  change('AutomationResumed', target, key);

const given = (...events: readonly AutomationEvent[]) => ({
  when: (changed: AutomationChange) => {
    const act = () => changeAutomation(stateAfter(...events), changed, NAMES);
    return {
      thenEvents: (...expected: readonly AutomationEvent[]) =>
        expect(act()).toStrictEqual({ events: expected, replayed: null }),
      thenRepeat: (answer: unknown) => expect(act()).toStrictEqual({ events: [], replayed: answer }),
      thenRefused: (code: string, field: string, message: RegExp) => {
        const error = thrownBy(act);
        expect(error).toBeInstanceOf(RefusedError);
        expect(error).toMatchObject({ code, field, message: expect.stringMatching(message) });
      },
    };
  },
});

describe('the stream', () => {
  it('says that nothing is paused before its first event', () => {
    expect(stateAfter()).toStrictEqual({ pauses: [], revision: -1, position: -1n, commands: new Map() });
  });

  it('tells each pause that holds, since when, who and why', () => {
    const state = stateAfter(paused(ALL), paused(RETRY), paused(PARTNER), resumed(RETRY));
    expect(state).toStrictEqual({
      pauses: [held(ALL, 0), held(PARTNER, 2)],
      revision: 3,
      position: 40n,
      commands: new Map(),
    });
  });

  it('keeps who paused first, however often it is paused again', () => {
    expect(stateAfter(paused(RETRY), paused(RETRY, { reason: 'OTHER' })).pauses).toStrictEqual([
      held(RETRY, 0),
    ]);
  });

  it('begins a new pause after one that ended', () => {
    expect(stateAfter(paused(ALL), resumed(ALL), paused(ALL)).pauses).toStrictEqual([held(ALL, 2)]);
  });

  it('does not end a wider pause with a narrower one, nor the other way round', () => {
    const both = [paused(ALL), paused(PARTNER)];
    expect(stateAfter(...both, resumed(PARTNER)).pauses).toStrictEqual([held(ALL, 0)]);
    expect(stateAfter(...both, resumed(ALL)).pauses).toStrictEqual([held(PARTNER, 1)]);
  });

  it('does not mix up an intent and a backend of one name', () => {
    const [intent, backend] = [
      { scope: 'INTENT', name: 'SAME' },
      { scope: 'BACKEND', name: 'SAME' },
    ] as const;
    expect(stateAfter(paused(intent), resumed(backend)).pauses).toStrictEqual([held(intent, 0)]);
    expect(isPaused(stateAfter(paused(intent)), 'OTHER', 'SAME')).toBe(false);
    expect(isPaused(stateAfter(paused(backend)), 'SAME', 'OTHER')).toBe(false);
  });

  it.each<[PauseTarget, readonly boolean[]]>([
    [ALL, [true, true, true, true]],
    [RETRY, [true, true, false, false]],
    [PARTNER, [true, false, true, false]],
  ])(
    'stops with %o: RETRY at PARTNER_API, RETRY elsewhere, others there, others elsewhere',
    (target, stops) => {
      const state = stateAfter(paused(target));
      expect(
        [
          ['RETRY', 'PARTNER_API'],
          ['RETRY', 'CORE_SYSTEM'],
          ['ESCALATE', 'PARTNER_API'],
          ['ESCALATE', 'CORE_SYSTEM'],
        ].map(([intent = '', route = '']) => isPaused(state, intent, route)),
      ).toStrictEqual(stops);
      expect(isPaused(stateAfter(paused(target), resumed(target)), 'RETRY', 'PARTNER_API')).toBe(false);
    },
  );
});

describe('pausing and resuming', () => {
  it.each([ALL, RETRY, PARTNER])('is an event: %o', (target) => {
    given().when(pause(target)).thenEvents(paused(target));
    given(paused(target)).when(resume(target)).thenEvents(resumed(target));
  });

  it('is no event where it is so already', () => {
    given(paused(RETRY)).when(pause(RETRY)).thenEvents();
    given().when(resume(RETRY)).thenEvents();
    given(paused(ALL)).when(resume(RETRY)).thenEvents();
  });

  it('of a part is an event also while everything is paused: it goes on when everything is resumed', () => {
    given(paused(ALL)).when(pause(RETRY)).thenEvents(paused(RETRY));
  });

  it.each<[PauseTarget, RegExp]>([
    [{ scope: 'INTENT', name: 'ESCALAT' }, /^must be one of RETRY, ESCALATE$/],
    [{ scope: 'BACKEND', name: 'RETRY' }, /^must be one of PARTNER_API, CORE_SYSTEM$/],
    [{ scope: 'INTENT', name: null }, /^is missing; it must be one of RETRY, ESCALATE$/],
    [{ scope: 'BACKEND', name: null }, /^is missing; it must be one of PARTNER_API, CORE_SYSTEM$/],
    [{ scope: 'ALL', name: 'RETRY' }, /^must be left out with scope ALL$/],
  ])('refuses a name that is none: %o', (target, message) => {
    given().when(pause(target)).thenRefused('INVALID_INPUT', 'name', message);
    given().when(resume(target)).thenRefused('INVALID_INPUT', 'name', message);
  });

  it('ends a pause of a name that the playbook does not have any more', () => {
    const gone: PauseTarget = { scope: 'INTENT', name: 'GONE' };
    given(paused(gone)).when(resume(gone)).thenEvents(resumed(gone));
    given(paused(gone)).when(pause(gone)).thenEvents();
    given(paused(gone), resumed(gone)).when(pause(gone)).thenRefused('INVALID_INPUT', 'name', /RETRY/);
  });
});

describe('a command with an idempotency key', () => {
  const key = command('key');

  it('is recorded, also where it changes nothing', () => {
    given()
      .when(pause(ALL, key))
      .thenEvents(paused(ALL, { command: key }));
    given(paused(ALL))
      .when(pause(ALL, key))
      .thenEvents(paused(ALL, { command: key }));
    given()
      .when(resume(ALL, key))
      .thenEvents(resumed(ALL, { command: key }));
  });

  it('that comes again gets what was answered first, whatever has happened since', () => {
    given(paused(RETRY), paused(ALL, { command: key }), resumed(ALL), resumed(RETRY))
      .when(pause(ALL, key))
      .thenRepeat({ pauses: [held(RETRY, 0), held(ALL, 1)], revision: 1, position: 20n });
  });

  it.each([
    ['ended a pause', [paused(ALL), resumed(ALL, { command: key }), paused(ALL)]],
    ['found nothing to end', [resumed(ALL, { command: key }), paused(ALL)]],
  ])('and %s does not end a newer one when it comes again late', (_, events) => {
    const revision = events.length - 2;
    given(...events)
      .when(resume(ALL, key))
      .thenRepeat({ pauses: [], revision, position: BigInt(10 * (revision + 1)) });
  });

  it('is refused when the key came first with another request', () => {
    given(paused(ALL, { command: key }))
      .when(pause(ALL, command('key', 'other')))
      .thenRefused('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key', /another request/);
  });

  it('gets its recorded answer although its name is not in the playbook any more', () => {
    const gone: PauseTarget = { scope: 'BACKEND', name: 'GONE' };
    given(paused(gone, { command: key }), resumed(gone))
      .when(pause(gone, key))
      .thenRepeat({ pauses: [held(gone, 0)], revision: 0, position: 10n });
  });
});

describe('a start that is to be paused', () => {
  const atStart = paused(ALL, { reason: 'STARTED_PAUSED' });

  it('pauses everything, unless that is so already', () => {
    expect(pauseAtStart(stateAfter())).toStrictEqual([atStart]);
    expect(pauseAtStart(stateAfter(paused(RETRY)))).toStrictEqual([atStart]);
    expect(pauseAtStart(stateAfter(paused(ALL), resumed(ALL)))).toStrictEqual([atStart]);
    expect(pauseAtStart(stateAfter(paused(ALL)))).toStrictEqual([]);
  });
});
