import { beforeAll, describe, expect, it } from 'vitest';
import { eraseCase } from '../../src/commands/eraseCase.ts';
import type { ReadEvent } from '../../src/eventstore/port.ts';
import { uuid } from '../support/builders.ts';
import { modelSays } from '../support/scripted.ts';
import { eventsOf, startService } from './history.ts';
import { placesOf, storeOf, verify } from './support.ts';
import { at, data, forged, found, type Tampering, withCase } from './tampering.ts';

const ANN = { kind: 'person', id: 'ann', roles: [], authMethod: 'oidc' } as const;

let log: readonly ReadEvent[];
beforeAll(async () => {
  const process = await startService({ model: () => modelSays({ confidence: 0.5 }) });
  for (const caseId of ['kept', 'erased']) {
    await process.open({ caseId });
    await process.clock.runUntil(process.submit({ caseId }));
  }
  await eraseCase(process, 'erased', 'SUBJECT_REQUEST', { actor: ANN, traceparent: null, sentKey: null });
  log = await process.outside.store.readAll(null, 10_000);
});

/** A key store that has keys at its first looks, and tells of whom it was asked. */
function keysFor(looks: number) {
  const asked: string[] = [];
  const keyExists = async (caseId: string): Promise<boolean> => asked.push(caseId) <= looks;
  return { asked, keyExists };
}

describe('a case that was erased', () => {
  it.each([0, 1, 4])(
    'is clean where its key is gone after %i more looks; of no other case it is asked',
    async (looks) => {
      const { asked, keyExists } = keysFor(looks);
      const report = await verify(storeOf(log), null, keyExists);
      expect(report).toMatchObject({ result: 'CLEAN', mismatches: [], notReplayed: [] });
      expect(asked).toEqual(Array.from({ length: looks + 1 }, () => 'erased'));
    },
  );

  it('is located where its key is still there', async () => {
    const { length } = eventsOf(log, 'erased');
    const report = await verify(storeOf(log), null, async () => true);
    expect(placesOf(report)).toEqual([`ERASURE case-erased/${length - 1}`]);
    expect(report).toMatchObject({ result: 'MISMATCH', mismatchesByKind: { ERASURE: 1 } });
  });

  it.each<[string, Tampering, string[]]>([
    [
      'a note behind it',
      (events) => {
        const [first] = events;
        const text = JSON.stringify({ command: null, text: { sealed: 'x' } });
        const note = { ...first, type: 'CaseNoteAdded', id: uuid(9_999), data: text, position: 100_000n };
        return [...events, { ...note } as ReadEvent];
      },
      ['LEGALITY case-erased/8'],
    ],
    [
      'that a review was left open',
      (events) => events.filter(({ type }) => type !== 'TaskCancelled'),
      ['LEGALITY case-erased/6'],
    ],
    ['that it was not closed', at(5, data({ to: 'SUSPENDED' })), ['LEGALITY case-erased/7']],
  ])('with the chain computed anew shows %s', async (_, tampering, places) => {
    expect(await found(withCase(log, 'erased', forged(tampering)))).toEqual(places);
  });
});
