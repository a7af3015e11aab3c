import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Logger } from './logger.ts';
import type { Observer } from './observer.ts';

/** What is measured at the moment of a scrape. */
export type Readings = {
  readonly tasksInFlight: () => number;
  /** How many positions the read models trail behind the log. */
  readonly projectionLag: () => Promise<number>;
  readonly parkedCases: () => Promise<number>;
  /** How many pauses hold. */
  readonly pauses: () => Promise<number>;
  /** What waits for a person, by queue. */
  readonly queues: () => Promise<readonly QueueReading[]>;
  /** Null where nothing is sealed. */
  readonly seals: () => Promise<SealReading | null>;
  /** Null where the log was never verified. */
  readonly verification: () => Promise<VerificationReading | null>;
};

/** What the last verification of the log has found. */
export type VerificationReading = { readonly mismatches: number; readonly ageSeconds: number };

/** How far the log is sealed. */
export type SealReading = {
  /** Of the last seal; null where there is none yet, or it cannot be read. */
  readonly number: number | null;
  readonly ageSeconds: number | null;
  /** How many positions the seals trail behind the log. */
  readonly unsealedPositions: number | null;
  /** Whether sealing has stopped because the log is not what was sealed. */
  readonly alarm: boolean;
};

/** How many tasks wait in a queue, and how many of them for longer than they should. */
export type QueueReading = { readonly queue: string; readonly waiting: number; readonly overdue: number };

export type Metrics = {
  readonly observer: Observer;
  /** Prometheus text, with gauges read now. */
  readonly scrape: (readings: Readings) => Promise<{ readonly contentType: string; readonly text: string }>;
};

const PREFIX = 'case_orchestrator_';
/** Every task in flight tells of an outage; one line is enough. */
const TELL_AWAY_EVERY_MS = 10_000;
const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30];

/** Counters and histograms of one service, and a log line for what somebody must act on; labels come from closed sets, never from text. */
export function createMetrics(logger: Pick<Logger, 'warn'>): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  const settled = new Counter({
    name: `${PREFIX}tasks_settled_total`,
    help: 'Tasks settled, by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const fallbacks = new Counter({
    name: `${PREFIX}fallbacks_total`,
    help: 'Fallbacks that stood in for a recommendation, by cause',
    labelNames: ['reason'],
    registers,
  });
  const recommendations = new Histogram({
    name: `${PREFIX}recommendation_seconds`,
    help: 'Time of a recommendation, by source',
    labelNames: ['source'],
    buckets: SECONDS,
    registers,
  });
  const shadowVerdicts = new Counter({
    name: `${PREFIX}shadow_verdicts_total`,
    help: 'Verdicts recorded while a shadow policy was loaded, by verdict and by what the shadow policy said',
    labelNames: ['verdict', 'shadow_verdict'],
    registers,
  });
  const backendCalls = new Histogram({
    name: `${PREFIX}backend_call_seconds`,
    help: 'Time of a backend call, by route and result',
    labelNames: ['route', 'result'],
    buckets: SECONDS,
    registers,
  });
  const resolved = new Counter({
    name: `${PREFIX}outcomes_resolved_total`,
    help: 'Attempts recorded as unknown of which more became known, by source and result',
    labelNames: ['source', 'result'],
    registers,
  });
  const takenOver = new Counter({
    name: `${PREFIX}tasks_taken_over_total`,
    help: 'Tasks that nobody drove and this process took up, by reason',
    labelNames: ['why'],
    registers,
  });
  const conflicts = new Counter({
    name: `${PREFIX}append_conflicts_total`,
    help: 'Appends that another writer was faster than',
    registers,
  });
  const circuits = new Gauge({
    name: `${PREFIX}circuit_open`,
    help: 'Whether calls of a dependency are held back because it fails, by dependency',
    labelNames: ['dependency'],
    registers,
  });
  const storeAway = new Counter({
    name: `${PREFIX}store_waits_total`,
    help: 'Times that a task had to wait because log or keys were not reached',
    registers,
  });
  let toldAway = Number.NEGATIVE_INFINITY;
  const inFlight = new Gauge({
    name: `${PREFIX}tasks_in_flight`,
    help: 'Tasks this process drives',
    registers,
  });
  const lag = new Gauge({
    name: `${PREFIX}projection_lag_positions`,
    help: 'Positions that the read models trail behind the log',
    registers,
  });
  const parked = new Gauge({
    name: `${PREFIX}parked_cases`,
    help: 'Cases left out of the read models because an event could not be projected',
    registers,
  });
  const pauses = new Gauge({
    name: `${PREFIX}automation_pauses`,
    help: 'Pauses of the automation that hold: of everything, an intent or a backend',
    registers,
  });
  const waiting = new Gauge({
    name: `${PREFIX}reviews_waiting`,
    help: 'Tasks that wait for a person, by queue',
    labelNames: ['queue'],
    registers,
  });
  const overdue = new Gauge({
    name: `${PREFIX}reviews_overdue`,
    help: 'Tasks that wait for a person although a deadline has passed, by queue',
    labelNames: ['queue'],
    registers,
  });
  const sealGauges = createSealGauges(registers);
  const verificationGauges = createVerificationGauges(registers);
  const setQueues = (queues: readonly QueueReading[]): void => {
    waiting.reset();
    overdue.reset();
    for (const { queue, ...counts } of queues) {
      waiting.set({ queue }, counts.waiting);
      overdue.set({ queue }, counts.overdue);
    }
  };

  return {
    observer: {
      taskSettled: (outcome) => settled.inc({ outcome }),
      recommended: (source, durationMs) => recommendations.observe({ source }, durationMs / 1000),
      fellBack: (reason) => fallbacks.inc({ reason }),
      shadowJudged: (verdict, shadowVerdict) =>
        shadowVerdicts.inc({ verdict, shadow_verdict: shadowVerdict }),
      backendCalled: (route, result, durationMs) =>
        backendCalls.observe({ route, result }, durationMs / 1000),
      outcomeResolved: ({ taskId, actionId, attempt, source, result, errorType }) => {
        resolved.inc({ source, result });
        logger.warn(
          { taskId, actionId, attempt, source, result, errorType },
          'more is known of an attempt that was recorded as unknown',
        );
      },
      takenOver: (why) => takenOver.inc({ why }),
      appendConflict: () => conflicts.inc(),
      storeAway: (error) => {
        storeAway.inc();
        const now = performance.now();
        if (now - toldAway < TELL_AWAY_EVERY_MS) return;
        toldAway = now;
        logger.warn({ err: error }, 'log or keys are not reached: what is in flight waits for them');
      },
      circuit: (dependency, state) => circuits.set({ dependency }, state === 'closed' ? 0 : 1),
    },
    scrape: async (readings) => {
      inFlight.set(readings.tasksInFlight());
      lag.set(await orUnknown(readings.projectionLag()));
      parked.set(await orUnknown(readings.parkedCases()));
      pauses.set(await orUnknown(readings.pauses()));
      setQueues(await readings.queues().catch(() => []));
      sealGauges(await readings.seals().catch(() => null));
      verificationGauges(await readings.verification().catch(() => null));
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** NaN where it cannot be read: what is counted in this process is wanted most while a database is gone. */
const orUnknown = (reading: Promise<number>): Promise<number> => reading.catch(() => Number.NaN);

/** Gauges about the last verification; NaN where there was none, or it cannot be read. */
function createVerificationGauges(registers: Registry[]): (reading: VerificationReading | null) => void {
  const gauge = (name: string, help: string) => new Gauge({ name: `${PREFIX}${name}`, help, registers });
  const mismatches = gauge('verification_mismatches', 'What the last verification of the log found wrong');
  const age = gauge('verification_age_seconds', 'How long ago the last verification of the log ended');
  return (reading) => {
    mismatches.set(reading?.mismatches ?? Number.NaN);
    age.set(reading?.ageSeconds ?? Number.NaN);
  };
}

/** Gauges about seals; NaN where nothing is sealed, or it cannot be read. */
function createSealGauges(registers: Registry[]): (reading: SealReading | null) => void {
  const gauge = (name: string, help: string) => new Gauge({ name: `${PREFIX}${name}`, help, registers });
  const number = gauge('last_seal_number', 'Number of the last seal');
  const age = gauge('last_seal_age_seconds', 'How long ago the last seal was made');
  const unsealed = gauge('unsealed_positions', 'Positions that the seals trail behind the log');
  const alarm = gauge('seals_alarm', '1 where sealing has stopped because the log is not what was sealed');
  return (reading) => {
    number.set(reading?.number ?? Number.NaN);
    age.set(reading?.ageSeconds ?? Number.NaN);
    unsealed.set(reading?.unsealedPositions ?? Number.NaN);
    alarm.set(reading ? Number(reading.alarm) : Number.NaN);
  };
}
