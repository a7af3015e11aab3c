import { FALLBACK_REASONS } from '../../src/domain/decision.ts';
import {
  ATTEMPT_RESULTS,
  CASE_STATES,
  OUTCOMES,
  RETRY_REASONS,
  ROUTING_CODES,
  TASK_STATUSES,
} from '../../src/domain/vocabulary.ts';
import { storedSchemas } from '../../src/eventstore/schemas.ts';
import { BACKEND_FAULTS, CALL_FAULTS, MODEL_FAULTS } from './climate.ts';
import { TIMED_FAULTS } from './scenario.ts';
import { OTHER_SOURCES, USUAL_SOURCES } from './sources.ts';

/** Statuses that nothing leads to yet: people cannot decide reviews so far. */
const OUT_OF_REACH = ['REJECTED'];
const GUARDRAIL_CODES = [...USUAL_SOURCES, ...OTHER_SOURCES].flatMap(([policy]) =>
  policy.guardrails.map(({ code }) => code),
);

const under = (group: string, names: readonly string[]): string[] => names.map((name) => `${group}/${name}`);

/** Everything that has to be injected and reached in a few thousand seeds, or the simulation does not test what it says. */
export const REQUIRED: readonly string[] = [
  ...new Set([
    ...under('fault', [...CALL_FAULTS, ...TIMED_FAULTS, 'crash', 'orderlyStop', 'duplicateDelivery']),
    ...under('calm', ['stop', 'crash']),
    ...under('model', MODEL_FAULTS),
    ...under('backend', [...BACKEND_FAULTS, 'lookupSilent']),
    ...under(
      'status',
      TASK_STATUSES.filter((status) => !OUT_OF_REACH.includes(status)),
    ),
    ...under('outcome', OUTCOMES),
    ...under('result', ATTEMPT_RESULTS),
    ...under('event', Object.keys(storedSchemas)),
    ...under('code', [...ROUTING_CODES, ...FALLBACK_REASONS, ...GUARDRAIL_CODES]),
    ...under('retry', RETRY_REASONS),
    ...under('resolution', ['LATE_ANSWER/SUCCEEDED', 'LATE_ANSWER/FAILED']),
    ...under('resolution', ['LOOKUP/SUCCEEDED', 'LOOKUP/FAILED', 'LOOKUP/UNKNOWN']),
    ...under('step', [
      'recommend',
      'evaluate',
      'retry',
      'await',
      'lookUp',
      'route',
      'wait',
      'sleep',
      'nothing',
    ]),
    ...under('takeover', ['due', 'dead', 'unclaimed']),
    ...under('circuit', ['open', 'halfOpen', 'closed']),
    ...under('change', [...CASE_STATES, 'NOTE']),
    ...under('client', [
      'accepted',
      'outcome',
      'noAnswer',
      'repeat',
      'IDEMPOTENCY_KEY_REUSED',
      'REVISION_STALE',
    ]),
    ...under('rebuild', ['done', 'failed']),
    ...under('source', ['model', 'fallback']),
    'conflict',
    'process/startFailed',
  ]),
];

/** So many seeds reach everything that is required, by far. */
export const ENOUGH_SEEDS = 3_000;

export type Counts = Map<string, number>;

export function addCounts(total: Counts, more: Iterable<readonly [string, number]>): void {
  for (const [what, count] of more) total.set(what, (total.get(what) ?? 0) + count);
}

/** What is required and was not reached. */
export const missing = (counts: Counts): string[] => REQUIRED.filter((what) => !counts.has(what));

/** All counts, a line for each group. */
export function tableOf(counts: Counts): string {
  const groups = new Map<string, string[]>();
  for (const [what, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [group = '', ...name] = what.split('/');
    groups.set(group, [...(groups.get(group) ?? []), `${name.join('/') || group} ${count}`]);
  }
  return [...groups].map(([group, cells]) => `${group.padEnd(11)} ${cells.join(', ')}`).join('\n');
}
