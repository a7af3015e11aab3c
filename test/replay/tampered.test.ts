import { beforeAll, describe, expect, it } from 'vitest';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { sealedHistory, verifySealed } from '../seals/support.ts';
import { uuid } from '../support/builders.ts';
import { history } from './history.ts';
import { placesOf, rehashed, storeOf, verify } from './support.ts';
import {
  at,
  data,
  facts,
  forged,
  found,
  metadata,
  swapped,
  type Tampering,
  twice,
  withCase,
  without,
} from './tampering.ts';

let log: readonly ReadEvent[];
beforeAll(async () => {
  log = await history();
});

const EVE = { kind: 'person', id: 'eve', roles: [], authMethod: 'oidc' };
const BY_ANN_ALONE = { kind: 'reviewer', reviewer: 'ann', overrides: [] };

describe('what was changed without minding the chain is found where it was changed', () => {
  it.each<[string, string, Tampering, string[]]>([
    ['data', 'executed', at(2, data({ durationMs: 13 })), ['CHAIN case-executed/2']],
    ['a note', 'C1001', at(6, data({ text: { sealed: 'other' } })), ['CHAIN case-C1001/6']],
    ['metadata', 'executed', at(1, metadata({ actor: EVE })), ['CHAIN case-executed/1']],
    [
      'metadata, with the hash of that one event computed anew',
      'executed',
      at(1, (event) => rehashed(metadata({ actor: EVE })(event))),
      ['CHAIN case-executed/2'],
    ],
    [
      'the text, but not what it says',
      'executed',
      at(2, (event) => ({ ...event, data: ` ${event.data}` })),
      ['CHAIN case-executed/2'],
    ],
    [
      'the place of an event in the log',
      'executed',
      at(1, (event) => ({ ...event, position: 100_000n })),
      ['POSITION case-executed/2'],
    ],
    ['an event in the middle, gone', 'C1001', without(6), ['CHAIN case-C1001/7', 'REVISION case-C1001/7']],
    ['the first event, gone', 'executed', without(0), ['GAP case-executed/0']],
    [
      'two events in each other’s place',
      'C1001',
      swapped(6),
      [
        'CHAIN case-C1001/6',
        'CHAIN case-C1001/6',
        'CHAIN case-C1001/7',
        'CHAIN case-C1001/7',
        'CHAIN case-C1001/8',
      ],
    ],
    [
      'an event that is there twice',
      'C1001',
      twice(6),
      ['CHAIN case-C1001/6', 'CHAIN case-C1001/6', 'REVISION case-C1001/6', 'POSITION case-C1001/7'],
    ],
    [
      'the first event, twice',
      'executed',
      twice(0),
      [
        'CHAIN case-executed/0',
        'CHAIN case-executed/0',
        'REVISION case-executed/0',
        'POSITION case-executed/1',
        'LEGALITY case-executed/0',
      ],
    ],
  ])('%s', async (_, caseId, tampering, places) => {
    expect(await found(withCase(log, caseId, tampering))).toEqual(places);
  });
});

describe('what was changed with the chain computed anew to its end is found where it cannot have been so', () => {
  it.each<[string, string, Tampering, string[]]>([
    [
      'a verdict turned round',
      'refused',
      at(3, data({ verdict: 'EXECUTE' })),
      ['PERMISSION case-refused/3', 'VERDICT case-refused/3'],
    ],
    [
      'a fact of the recommendation',
      'refused',
      at(3, facts('decision', { confidence: 0.9 })),
      ['FACTS case-refused/3', 'VERDICT case-refused/3'],
    ],
    [
      'a fact of the case',
      'retried',
      at(7, facts('case', { retryCount: 0 })),
      ['FACTS case-retried/7', 'VERDICT case-retried/7'],
    ],
    [
      'a fact that no rule reads',
      'retried',
      at(7, facts('case', { priority: 'LOW' })),
      ['FACTS case-retried/7'],
    ],
    ['a signal', 'executed', at(3, facts('signals', { negated: true })), ['VERDICT case-executed/3']],
    [
      'a limit',
      'executed',
      at(3, facts('limits', { maxAttempts: 99 })),
      ['VERDICT case-executed/3', 'FACTS case-executed/3'],
    ],
    [
      'the version of a policy',
      'executed',
      at(3, data({ policyVersion: '99' })),
      ['VERDICT case-executed/3'],
    ],
    [
      'an action without its verdict',
      'executed',
      without(3),
      ['LEGALITY case-executed/3', 'PERMISSION case-executed/3'],
    ],
    [
      'an action that was put in',
      'executed',
      (events) => events.flatMap((event, n) => (n === 5 ? [event, anew(events[4])] : [event])),
      ['LEGALITY case-executed/6', 'PERMISSION case-executed/6', 'ACTION case-executed/6'],
    ],
    [
      'a second action while one is open',
      'retried',
      without(5),
      ['LEGALITY case-retried/5', 'ACTION case-retried/7'],
    ],
    [
      'another idempotency key for the same action',
      'retried',
      at(8, data({ idempotencyKey: uuid(77) })),
      ['ACTION case-retried/8'],
    ],
    [
      'an attempt after an unknown one, where the backend may do it twice',
      'unknown',
      at(4, data({ idempotent: false })),
      ['LEGALITY case-unknown/8', 'ACTION case-unknown/8'],
    ],
    [
      'an action that was not appended with its verdict',
      'executed',
      at(4, metadata({ causationId: null })),
      ['PERMISSION case-executed/3', 'PERMISSION case-executed/4'],
    ],
    [
      'an action over another backend than its verdict permits',
      'executed',
      at(4, data({ backend: 'CORE_SYSTEM' })),
      ['PERMISSION case-executed/4'],
    ],
    [
      'an approval that only another person’s would complete',
      'approved',
      at(6, data({ awaitsSecond: true })),
      ['LEGALITY case-approved/7', 'PERMISSION case-approved/8'],
    ],
    [
      'an approval that somebody else has recorded',
      'approved',
      at(6, metadata({ actor: EVE })),
      ['PERMISSION case-approved/8', 'PERMISSION case-approved/6', 'PERMISSION case-approved/6'],
    ],
    [
      'an approval of something else',
      'approved',
      at(6, data({ action: { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'CORE_SYSTEM' } })),
      ['LEGALITY case-approved/8', 'PERMISSION case-approved/8', 'PERMISSION case-approved/6'],
    ],
    [
      'a result',
      'retried',
      at(5, data({ result: 'SUCCEEDED', errorType: null })),
      ['LEGALITY case-retried/6'],
    ],
    [
      'who has decided a review',
      'approved',
      at(6, data({ reviewer: 'eve' })),
      [
        'LEGALITY case-approved/6',
        'PERMISSION case-approved/8',
        'PERMISSION case-approved/6',
        'PERMISSION case-approved/6',
        'PERMISSION case-approved/6',
      ],
    ],
    [
      'what a reviewer has overridden',
      'approved',
      at(7, data({ authority: BY_ANN_ALONE })),
      ['PERMISSION case-approved/8', 'VERDICT case-approved/7'],
    ],
    ['two events in each other’s place', 'executed', swapped(1), ['LEGALITY case-executed/1']],
    [
      'the time, set back',
      'C1001',
      at(6, metadata({ recordedAt: '2025-01-01T00:00:00.000Z' })),
      ['TIME case-C1001/6'],
    ],
    ['the state that a case was in', 'C1001', at(7, data({ from: 'CLOSED' })), ['FACTS case-C1001/7']],
    [
      'a task of another case',
      'executed',
      (events) =>
        events
          .map(data({ taskId: `other~${'0'.repeat(32)}` }))
          .map((event, n) => (n === 0 ? (events[0] ?? event) : event)),
      [1, 2, 3, 4, 5].map((revision) => `LEGALITY case-executed/${revision}`),
    ],
    ['what keeps no schema', 'executed', at(2, data({ decision: 1 })), ['UNREADABLE case-executed/2']],
    [
      'the end, between a verdict and what follows from it',
      'executed',
      (events) => events.slice(0, 4),
      ['PERMISSION case-executed/3'],
    ],
  ])('%s', async (_, caseId, tampering, places) => {
    expect(await found(withCase(log, caseId, forged(tampering)))).toEqual(places);
  });

  /** An event again, under another id. */
  function anew(event: ReadEvent | undefined): ReadEvent {
    if (!event) throw new Error('no event');
    return { ...event, id: uuid(9_998), position: 100_000n };
  }
});

describe('without seals nobody can see, and it is not claimed; with seals it is found', () => {
  it.each<[string, string, Tampering, string[]]>([
    ['that the end of a stream is missing', 'executed', without(5), ['SEAL case-executed/5']],
    [
      'who asked, where the chain was computed anew',
      'executed',
      forged(at(1, metadata({ actor: EVE }))),
      [1, 2, 3, 4, 5].map((revision) => `SEAL case-executed/${revision}`),
    ],
    [
      'a note that is gone, where the chain was computed anew',
      'C1001',
      forged(without(6)),
      [6, 7, 8, 9].map((revision) => `SEAL case-C1001/${revision}`),
    ],
    [
      'that a whole case is missing',
      'executed',
      () => [],
      [0, 1, 2, 3, 4, 5].map((revision) => `SEAL case-executed/${revision}`),
    ],
  ])('%s', async (_, caseId, tampering, places) => {
    const report = await verify(storeOf(withCase(log, caseId, tampering)));
    expect(report).toMatchObject({ result: 'CLEAN', mismatches: [], seals: null });
    const { log: sealed, anchor } = await sealedHistory(log, log.length);
    expect(placesOf(await verifySealed(withCase(sealed, caseId, tampering), anchor))).toEqual(places);
  });
});
