import { expect, it } from 'vitest';
import type { CaseEvent, Recorded } from '../../src/domain/events.ts';
import { tell } from '../../src/evidence/story.ts';
import { AT } from '../support/builders.ts';

const recorded = (event: CaseEvent): Recorded<CaseEvent> =>
  ({ ...event, metadata: { actor: { id: 'ann' }, recordedAt: AT } }) as Recorded<CaseEvent>;

it('an erasure is told with who and why', () => {
  const { what, sentences } = tell(
    recorded({ type: 'CaseErased', data: { reason: 'SUBJECT_REQUEST', command: null } }),
    {},
  );
  expect(what).toBe('Case erased');
  expect(sentences[0]).toBe(
    'ann had the case erased (SUBJECT_REQUEST): the key of its personal texts was to be destroyed.',
  );
});
