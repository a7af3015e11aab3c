import type { PauseTarget } from '../../src/domain/automation.ts';
import type { Decision } from '../../src/domain/decision.ts';
import type { Actor } from '../../src/domain/events.ts';
import type { CaseState } from '../../src/domain/vocabulary.ts';
import { type Climate, createClimate } from './climate.ts';
import type { ProcessConfig } from './fleet.ts';
import { ANN, ANYBODY, REVIEWERS } from './people.ts';
import type { Random } from './random.ts';
import { OTHER_SOURCES, ROUTE_NAMES, shadowOf, USUAL_SOURCES } from './sources.ts';

export type CasePlan = { readonly caseId: string };
export type TaskPlan = {
  readonly at: number;
  readonly caseId: string;
  readonly description: string;
  readonly sentKey: string | null;
  /** Who sends it. */
  readonly by: Actor;
  /** What a reasonable model recommends. */
  readonly decision: Decision;
  /** How long its client waits for an outcome, in milliseconds. */
  readonly waitMs: number;
  /** Sent again, so many milliseconds later, whatever became of the first. */
  readonly repeatsAfter: readonly number[];
  /** How often it is sent again where no answer comes. */
  readonly tries: number;
  /** Whether its key is used for something else afterwards. */
  readonly clashes: boolean;
};
export type ChangePlan = {
  readonly at: number;
  readonly caseId: string;
  readonly to: CaseState | 'NOTE';
  /** With a key it is sent again where no answer comes. */
  readonly sentKey: string | null;
  /** Whether time passes between reading the case and changing it. */
  readonly isStale: boolean;
};

/** Somebody has a case erased, and says it again where no answer comes. */
export type ErasurePlan = { readonly at: number; readonly caseId: string };

/** Somebody stops automation, or lets it go on. */
export type OrderPlan = {
  readonly at: number;
  readonly verb: 'pause' | 'resume';
  readonly target: PauseTarget;
  /** With a key it is sent again where no answer comes, and once more much later. */
  readonly sentKey: string | null;
};

/** Somebody looks into the queue, and works on a review that is open, or on one that is not. */
export type ReviewPlan = {
  readonly at: number;
  readonly name: string;
  readonly reviewer: Actor;
};

export type CalmEvent = {
  /** `stop`: all processes but one end in an orderly way. `crash`: one dies. */
  readonly kind: 'nothing' | 'stop' | 'crash';
  readonly at: number;
  readonly processes: number;
};

export const TIMED_FAULTS = [
  'crashNow',
  'freeze',
  'partition',
  'isolation',
  'jumpForth',
  'jumpBack',
  'stop',
  'lieLeads',
  'lieClaims',
  'lieUnattended',
  'coordinatorForgets',
  'coordinatorJumps',
  'rowsRefused',
  'rebuild',
] as const;
export type TimedFault = {
  readonly at: number;
  readonly kind: (typeof TIMED_FAULTS)[number];
  /** How long it lasts, where it does. */
  readonly milliseconds: number;
};

/** Everything that a run is made from. */
export type Scenario = {
  readonly climate: Climate;
  /** Faults end at this moment. */
  readonly stormMs: number;
  readonly processes: number;
  readonly cases: readonly CasePlan[];
  readonly tasks: readonly TaskPlan[];
  readonly changes: readonly ChangePlan[];
  readonly erasures: readonly ErasurePlan[];
  readonly orders: readonly OrderPlan[];
  readonly reviews: readonly ReviewPlan[];
  readonly faults: readonly TimedFault[];
  /** What happens once more when the storm is over, when, and to how many processes at least. */
  readonly calm: CalmEvent;
  readonly nextConfig: () => ProcessConfig;
};

export function createScenario(random: Random): Scenario {
  const stormMs = random.between(4, 14) * 1_000;
  const cases = many(random.pick([1, 1, 2, 3]), (index) => ({ caseId: `C${index + 1}` }));
  const caseIds = cases.map(({ caseId }) => caseId);
  const shyness = random.pick([0, 0.2, 0.6]);
  const calm = calmEvent(random, stormMs);
  const sentAt = (): number => (random.chance(0.5) ? random.between(0, 1_000) : random.between(0, stormMs));
  const sentInCalm = many(
    calm.kind === 'nothing' ? 0 : random.between(1, 2),
    () => calm.at - random.between(0, 400),
  );
  const tasks = [...many(random.between(1, 6), sentAt), ...sentInCalm].map((at, index) =>
    taskPlan(random, index, random.pick(caseIds), at),
  );
  const senders = random.fork('senders');
  const changes = many(random.chance(0.5) ? random.between(1, 3) : 0, (index) => ({
    at: random.between(200, stormMs),
    caseId: random.pick(caseIds),
    to: random.pick(['SUSPENDED', 'OPEN', 'CLOSED', 'NOTE'] as const),
    sentKey: random.chance(0.5) ? `change-${index}` : null,
    isStale: random.chance(0.3),
  }));
  return {
    climate: createClimate(random),
    stormMs,
    processes: random.between(1, 3),
    cases,
    tasks: tasks.map((task) => ({ ...task, by: senders.chance(0.3) ? ANN : ANYBODY })),
    changes,
    erasures: erasurePlans(random.fork('erasures'), caseIds, stormMs),
    orders: orderPlans(random.fork('orders'), stormMs),
    reviews: reviewPlans(random.fork('reviews'), stormMs),
    faults: random.chance(shyness) ? [] : timedFaults(random, stormMs),
    calm,
    nextConfig: configs(random),
  };
}

/** In a few runs cases are erased, the same one by several now and then. */
function erasurePlans(random: Random, caseIds: readonly string[], stormMs: number): ErasurePlan[] {
  if (random.chance(0.93)) return [];
  const caseId = random.pick(caseIds);
  const at = random.between(500, stormMs);
  return many(random.pick([1, 2]), () => ({ at, caseId }));
}

/** In some runs automation is paused, mostly not for long. */
function orderPlans(random: Random, stormMs: number): OrderPlan[] {
  if (random.chance(0.75)) return [];
  return many(random.between(1, 3), (index) => {
    const target = random.pick<PauseTarget>([
      { scope: 'ALL', name: null },
      { scope: 'INTENT', name: 'RETRY_EXTERNAL_CALL' },
      { scope: 'BACKEND', name: random.pick(ROUTE_NAMES) },
    ]);
    const at = random.between(0, stormMs);
    const key = (verb: string): string | null => (random.chance(0.5) ? `${verb}-${index}` : null);
    const pause: OrderPlan = { at, verb: 'pause', target, sentKey: key('pause') };
    const after = random.pick([300, 1_500, 6_000]);
    const resume: OrderPlan = { at: at + after, verb: 'resume', target, sentKey: key('resume') };
    return random.chance(0.9) ? [pause, resume] : [pause];
  }).flat();
}

/** So long after the storm somebody may still look into the queue. */
const LATE_REVIEW_MS = 2_500;

/** In some runs people decide reviews, several of them at the same moment now and then. */
function reviewPlans(random: Random, stormMs: number): ReviewPlan[] {
  if (random.chance(0.6)) return [];
  return many(random.between(2, 4), (turn) => {
    const at = random.between(1_000, stormMs + LATE_REVIEW_MS);
    return many(random.pick([1, 1, 1, 2, 4]), (index) => ({
      at,
      name: `${turn}.${index}`,
      reviewer: random.pick(random.chance(0.9) ? REVIEWERS.slice(0, 4) : REVIEWERS),
    }));
  }).flat();
}

function calmEvent(random: Random, stormMs: number): CalmEvent {
  const kind = random.weighted({ nothing: 6, stop: 2, crash: 2 });
  if (kind === 'nothing') return { kind, at: 0, processes: 1 };
  return { kind, at: stormMs + random.between(2_500, 4_500), processes: kind === 'stop' ? 2 : 3 };
}

function taskPlan(random: Random, index: number, caseId: string, at: number): Omit<TaskPlan, 'by'> {
  const { text, sound } = random.pick(random.chance(0.9) ? SOUND_TEXTS : TEXTS);
  return {
    at,
    caseId,
    description: `${text} ${4_711 + index}`,
    sentKey: random.chance(0.5) ? `key-${index}` : null,
    decision: {
      intent: 'RETRY_EXTERNAL_CALL',
      nextStep: 'AUTOMATED_EXECUTION',
      routeTarget: random.pick(ROUTE_NAMES),
      retryStrategy: random.pick(['NONE', 'IMMEDIATE', 'BACKOFF', 'BACKOFF']),
      riskScore: 0.1,
      confidence: sound && random.chance(0.95) ? 0.95 : 0.5,
      reasonCode: 'TRANSIENT_TIMEOUT_PATTERN',
    },
    waitMs: random.pick([0, 500, 3_000]),
    repeatsAfter: random.chance(0.3) ? many(random.between(1, 2), () => random.pick([0, 0, 300, 4_000])) : [],
    tries: random.pick([0, 2, 5]),
    clashes: random.chance(0.1),
  };
}

const TEXTS = [
  { text: 'Partner API failed again with timeout, please retry for policy', sound: true },
  { text: 'The partner did not answer in time, call it again for contract', sound: true },
  { text: 'Do not retry the call for policy', sound: false },
];
const SOUND_TEXTS = TEXTS.filter(({ sound }) => sound);

function timedFaults(random: Random, stormMs: number): TimedFault[] {
  const kinds = TIMED_FAULTS.filter(() => random.chance(0.4));
  if (kinds.length === 0) return [];
  return many(random.between(1, 8), () => ({
    at: random.between(0, stormMs),
    kind: random.pick(kinds),
    milliseconds: random.pick([300, 1_500, 4_000, 7_000]),
  }));
}

/** How many processes are of another version, which makes the read models anew. */
const OTHER_VERSION = 0.1;

/** Mostly the same for all processes of a run; now and then one comes up with another policy or shorter times. */
function configs(random: Random): () => ProcessConfig {
  const choose = (): ProcessConfig => {
    const [policy, playbook] = random.pick(random.chance(0.8) ? USUAL_SOURCES : OTHER_SOURCES);
    return {
      policy,
      shadow: shadowOf(policy, playbook),
      playbook,
      timeoutMs: random.pick([300, 1_000, 2_000]),
      storeKind: random.chance(OTHER_VERSION) ? 'postgres' : 'memory',
    };
  };
  const usual = choose();
  const changes = random.pick([0, 0, 0.3]);
  return () => (random.chance(changes) ? choose() : usual);
}

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
