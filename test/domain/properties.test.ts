import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resultOf } from '../../src/domain/attempts.ts';
import { type CaseEvent, isTaskEvent } from '../../src/domain/events.ts';
import type { Task } from '../../src/domain/task.ts';
import { RETRY_REASONS, ROUTING_CODES, TASK_STATUSES } from '../../src/domain/vocabulary.ts';
import {
  automatingPlaybook,
  backends,
  forbiddingPlaybook,
  policies,
  priorities,
  results,
  signals,
} from '../support/arbitraries.ts';
import { caseAfter, opened } from '../support/builders.ts';
import { happenings } from './happenings.ts';
import { checkAppend, ENDS } from './rules.ts';
import { type Append, createWalk, grow, type World } from './walk.ts';

const start = fc.record({
  priority: priorities,
  retryCount: fc.nat(4),
  lastErrorType: fc.constantFrom(null, 'TIMEOUT', 'HTTP_503'),
});
const walks = fc.record({
  policy: policies,
  signals,
  backends: fc.record({ PARTNER_API: backends, CORE_SYSTEM: backends }),
  open: start,
  happening: fc.array(happenings, { minLength: 40, maxLength: 80, size: 'max' }),
  /** How backends answer when all comes to rest. */
  result: results,
});
type Walked = typeof walks extends fc.Arbitrary<infer T> ? T : never;

function walk(walked: Walked, playbook: World['playbook'] = automatingPlaybook) {
  const { policy, signals: raised, backends: declared, open, happening } = walked;
  const walking = createWalk(
    { policy, playbook, signals: raised, backends: declared },
    caseAfter([opened(open)]),
  );
  for (const each of happening) walking.happen(each);
  return walking;
}

/** What an append tells of, in words. */
function wordsOf({ before, events, context }: Append): string[] {
  let state = before;
  return events.flatMap((event) => {
    if (!isTaskEvent(event)) return [];
    const task = state.tasks.get(event.data.taskId);
    state = grow(state, [event], context.now);
    return [state.tasks.get(event.data.taskId)?.status ?? '', ...wordsOfEvent(task, event)];
  });
}

function wordsOfEvent(task: Task | undefined, event: CaseEvent): readonly string[] {
  switch (event.type) {
    case 'ActionStarted': {
      const unknown = task?.attempts.some((each) => resultOf(each) === 'UNKNOWN');
      if (event.data.attempt === 1) return ['started'];
      return [unknown ? 'started again after UNKNOWN' : 'started again after FAILED'];
    }
    case 'RetryScheduled':
      return [event.data.reason];
    case 'RoutedToManual':
      return event.data.codes;
    case 'ActionOutcomeResolved': {
      const { source, result } = event.data;
      const known = task?.attempts[event.data.attempt - 1]?.resolved?.result ?? 'nothing';
      return [`${source} ${result}`, `${source} when ${task?.status}`, `${result} after ${known}`];
    }
    default:
      return [];
  }
}

const STATUSES = TASK_STATUSES.filter((status) => status !== 'RECEIVED' && status !== 'REJECTED');
/** What the walks must go through; without it a property could hold because nothing ever happens. */
const REACHED = [
  ...STATUSES,
  ...STATUSES.map((status) => `LATE_ANSWER when ${status}`),
  ...STATUSES.map((status) => `LOOKUP when ${status}`),
  ...ROUTING_CODES,
  ...RETRY_REASONS,
  'started',
  'started again after FAILED',
  'started again after UNKNOWN',
  'LATE_ANSWER SUCCEEDED',
  'LATE_ANSWER FAILED',
  'LOOKUP SUCCEEDED',
  'LOOKUP FAILED',
  'LOOKUP UNKNOWN',
  'FAILED after UNKNOWN',
  'SUCCEEDED after UNKNOWN',
  'SUCCEEDED after FAILED',
];

describe('whatever happens to a case', () => {
  it('nothing is done that the rules do not allow, and every verdict can be computed again', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(walks, (walked) => {
        for (const append of walk(walked).appends) {
          checkAppend(append);
          for (const word of wordsOf(append)) seen.add(word);
        }
      }),
      { numRuns: 400, seed: 4711 },
    );
    expect(REACHED.filter((word) => !seen.has(word))).toStrictEqual([]);
  }, 60_000);

  it('an intent that is not automatable is never executed, also under a policy that permits it', () => {
    let verdicts = 0;
    fc.assert(
      fc.property(walks, (walked) => {
        const types = walk(walked, forbiddingPlaybook).appends.flatMap(({ events }) =>
          events.map((event) => event.type),
        );
        verdicts += types.filter((type) => type === 'GuardrailEvaluated').length;
        expect(types).not.toContain('ActionStarted');
        expect(types).not.toContain('RetryScheduled');
      }),
      { numRuns: 100, seed: 4712 },
    );
    expect(verdicts).toBeGreaterThan(100);
  });

  it('every task comes to rest once time moves on, and is settled then', () => {
    fc.assert(
      fc.property(walks, (walked) => {
        const walking = walk(walked);
        const before = walking.appends.length;
        walking.rest(walked.result);
        for (const append of walking.appends.slice(before)) checkAppend(append);
        for (const task of walking.current().tasks.values()) {
          expect([...ENDS, 'IN_REVIEW']).toContain(task.status);
          const cancelledBefore = task.status === 'CANCELLED' && task.manual === null;
          expect(task.outcome === null).toBe(cancelledBefore);
        }
      }),
      { numRuns: 100, seed: 4713 },
    );
  }, 60_000);
});
