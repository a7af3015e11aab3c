import { describe, expect, it } from 'vitest';
import { createRecentCases } from '../../src/commands/recentCases.ts';
import type { CaseEvent, Recorded } from '../../src/domain/events.ts';
import { AT, opened, received, uuid } from '../support/builders.ts';

const recorded = (caseId: string, event: CaseEvent, revision: number): Recorded<CaseEvent> => ({
  ...event,
  id: uuid(revision),
  stream: `case-${caseId}`,
  revision,
  position: BigInt(revision),
  metadata: {
    actor: { kind: 'system', id: 'test', roles: [], authMethod: 'internal' },
    correlationId: null,
    causationId: null,
    recordedAt: AT,
    schemaVersion: 1,
    traceparent: null,
    prevHash: null,
    hash: `hash ${revision}`,
  },
});

describe('recent cases', () => {
  it('go on from where a case was folded to', () => {
    const recent = createRecentCases(10);
    recent.extend(recent.get('A'), [recorded('A', opened(), 0)]);
    recent.extend(recent.get('A'), [recorded('A', received(1), 1)]);
    expect(recent.get('A').head).toEqual({ revision: 1, hash: 'hash 1', recordedAt: AT });
    expect([...recent.get('A').current.tasks.values()]).toMatchObject([{ status: 'RECEIVED', revision: 1 }]);
  });

  it('keep the newer of two folds of one case, whichever ends last', () => {
    const recent = createRecentCases(10);
    const slow = recent.get('A');
    const first = recorded('A', opened(), 0);
    recent.extend(recent.get('A'), [first, recorded('A', received(1), 1)]);
    expect(recent.extend(slow, [first]).head.revision).toBe(0);
    expect(recent.get('A').head.revision).toBe(1);
  });

  it('hold no more than they may, no case without events, and none that was forgotten', () => {
    const recent = createRecentCases(2);
    for (const caseId of ['A', 'B', 'C']) recent.extend(recent.get(caseId), [recorded(caseId, opened(), 0)]);
    recent.extend(recent.get('X'), []);
    recent.forget('B');
    expect(['A', 'B', 'C', 'X'].map((caseId) => recent.get(caseId).head.revision)).toEqual([-1, -1, 0, -1]);
  });
});
