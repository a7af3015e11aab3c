import { expect } from 'vitest';
import type { Case } from '../../src/domain/case.ts';
import { consequences } from '../../src/domain/consequences.ts';
import type { Decided } from '../../src/domain/decide.ts';
import type { CaseEvent } from '../../src/domain/events.ts';
import { type RefusalCode, RefusedError } from '../../src/domain/refusal.ts';
import type { JudgeContext } from '../../src/domain/verdicts.ts';
import { caseAfter, context, taskId } from '../support/builders.ts';

/** Sentences over the pure domain: given(events).when(decide).thenEvents(events). */
export const given = (...events: readonly CaseEvent[]) => {
  const current = caseAfter(events);
  return {
    /** A command decides on the case. */
    when: (decide: (current: Case) => Decided) => outcome(() => decide(current)),
    /** An effect brought these events about the n-th task (or none), and what follows is computed. */
    whenBrought: (effects: readonly CaseEvent[], changes: Partial<JudgeContext> = {}, n = 1) =>
      outcome(() => ({
        events: consequences(current, taskId(n), effects, context(changes)),
        replayed: false,
      })),
    /** The stream goes on with these events. */
    whenFolding: (...more: readonly CaseEvent[]) => ({
      thenCase: (expected: Partial<Case>) => expect(caseAfter(more, current)).toMatchObject(expected),
      thenFails: (message: RegExp) => expect(() => caseAfter(more, current)).toThrow(message),
    }),
  };
};

function outcome(act: () => Decided) {
  return {
    /** Exactly these events, in this order, every field equal. */
    thenEvents: (...expected: readonly CaseEvent[]) => {
      const decided = act();
      expect(decided.events).toStrictEqual(expected);
      expect(decided.replayed).toBe(false);
    },
    /** A repeat: no event, and it is known to be one. */
    thenRepeat: () => expect(act()).toStrictEqual({ events: [], replayed: true }),
    /** No event, and no repeat either. */
    thenNothing: () => expect(act()).toStrictEqual({ events: [], replayed: false }),
    /** A refusal with this code, naming this field (null: none). */
    thenRefused: (code: RefusalCode, field: string | null) => {
      const error = thrownBy(act);
      expect(error).toBeInstanceOf(RefusedError);
      expect(error).toMatchObject({ code, field });
    },
    thenFails: (message: RegExp) => expect(act).toThrow(message),
  };
}

/** What a function throws; fails where it does not. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return expect.fail('nothing was thrown');
}
