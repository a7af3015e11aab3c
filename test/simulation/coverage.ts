import { FALLBACK_REASONS } from '../../src/domain/decision.ts';
import type { RefusalCode } from '../../src/domain/refusal.ts';
import {
  ATTEMPT_RESULTS,
  CASE_STATES,
  OUTCOMES,
  RETRY_REASONS,
  REVIEW_RESOLUTIONS,
  ROUTING_CODES,
  TASK_STATUSES,
  VERDICTS,
} from '../../src/domain/vocabulary.ts';
import { storedSchemas } from '../../src/eventstore/schemas.ts';
import { BACKEND_FAULTS, CALL_FAULTS, MODEL_FAULTS } from './climate.ts';
import { TIMED_FAULTS } from './scenario.ts';
import { OTHER_SOURCES, USUAL_SOURCES } from './sources.ts';

const GUARDRAIL_CODES = [...USUAL_SOURCES, ...OTHER_SOURCES].flatMap(([policy]) =>
  policy.guardrails.map(({ code }) => code),
);

/** Seals are written by a loop beside the orchestration, which the simulation does not run. */
const SIMULATED_EVENTS = Object.keys(storedSchemas).filter((type) => type !== 'LogSealed');

/** Why reviewers are told no. */
const REFUSALS: readonly RefusalCode[] = [
  'INVALID_INPUT',
  'ROLE_NOT_HELD',
  'REVIEW_NOT_FOUND',
  'REVIEW_NOT_OPEN',
  'REVIEW_CLAIMED',
  'REVIEW_NOT_CLAIMED',
  'REVIEW_STALE',
  'REVIEWER_NOT_ALLOWED',
  'GUARDRAILS_REFUSE',
  'OUTCOME_UNKNOWN',
  'ACTION_OPEN',
];

const under = (group: string, names: readonly string[]): string[] => names.map((name) => `${group}/${name}`);

/** Everything that has to be injected and reached in a few thousand seeds, or the simulation does not test what it says. */
const REQUIRED: readonly string[] = [
  ...new Set([
    ...under('fault', [...CALL_FAULTS, ...TIMED_FAULTS, 'crash', 'orderlyStop', 'duplicateDelivery']),
    ...under('calm', ['stop', 'crash']),
    ...under('model', MODEL_FAULTS),
    ...under('backend', [...BACKEND_FAULTS, 'lookupSilent']),
    ...under('status', TASK_STATUSES),
    ...under('outcome', OUTCOMES),
    ...under('result', ATTEMPT_RESULTS),
    ...under('event', SIMULATED_EVENTS),
    ...under('code', [...ROUTING_CODES, ...FALLBACK_REASONS, ...GUARDRAIL_CODES]),
    ...under('retry', RETRY_REASONS),
    'resolution/LATE_ANSWER/FAILED',
    ...under('resolution', ['LOOKUP/SUCCEEDED', 'LOOKUP/FAILED', 'LOOKUP/UNKNOWN']),
    ...under('resolution', ['REVIEWER/SUCCEEDED', 'REVIEWER/FAILED']),
    ...under('claim', ['new', 'renewed', 'lapsed', 'takenOver', 'released', 'releasedByOther']),
    ...under('decision', [...REVIEW_RESOLUTIONS, 'overrides', 'first', 'second', 'firstLapsed']),
    ...under('overdue', ['escalated', 'last']),
    ...under('refusal', REFUSALS),
    ...under('stale', ['case', 'notes', 'otherActions', 'approval', 'policy', 'automation']),
    ...under('reviewer', ['repeat', 'claimRepeated', 'releaseRepeated', 'decideRepeated', 'outcomeRepeated']),
    ...under(
      'shadow',
      VERDICTS.flatMap((verdict) => under(verdict, VERDICTS)),
    ),
    ...under('step', [
      'recommend',
      'evaluate',
      'retry',
      'await',
      'lookUp',
      'route',
      'overdue',
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
      'pause',
      'resume',
      'orderRepeated',
      'IDEMPOTENCY_KEY_REUSED',
      'REVISION_STALE',
      'CASE_KEY_DESTROYED',
    ]),
    ...under('erasure', ['first', 'again', 'ACTION_OPEN', 'OUTCOME_UNKNOWN']),
    ...under('rebuild', ['done', 'failed']),
    ...under('source', ['model', 'fallback']),
    'conflict',
    'process/startFailed',
  ]),
];

/** What about one seed in 2,000 reaches. */
const SELDOM = ['resolution/LATE_ANSWER/SUCCEEDED'];

/** What only very many seeds are sure to reach. */
const RARE = [...under('stale', ['attempts', 'routing', 'verdicts']), 'refusal/BACKEND_UNAVAILABLE'];

/** So many seeds reach everything that is required, by far; so many what comes seldom as well; and so many what is rare. */
const ENOUGH_SEEDS = 3_000;
const MANY_SEEDS = 20_000;
const VERY_MANY_SEEDS = 50_000;

/** What so many seeds have to reach. */
export function requiredOf(seeds: number): readonly string[] {
  if (seeds < ENOUGH_SEEDS) return [];
  if (seeds < MANY_SEEDS) return REQUIRED;
  return seeds < VERY_MANY_SEEDS ? [...REQUIRED, ...SELDOM] : [...REQUIRED, ...SELDOM, ...RARE];
}

export type Counts = Map<string, number>;

export function addCounts(total: Counts, more: Iterable<readonly [string, number]>): void {
  for (const [what, count] of more) total.set(what, (total.get(what) ?? 0) + count);
}

/** All counts, a line for each group. */
export function tableOf(counts: Counts): string {
  const groups = new Map<string, string[]>();
  for (const [what, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [group = '', ...name] = what.split('/');
    groups.set(group, [...(groups.get(group) ?? []), `${name.join('/') || group} ${count}`]);
  }
  return [...groups].map(([group, cells]) => `${group.padEnd(11)} ${cells.join(', ')}`).join('\n');
}
