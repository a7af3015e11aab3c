import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Logger } from './logger.ts';
import type { Observer } from './observer.ts';

/** What is measured at the moment of a scrape. */
export type Readings = {
  readonly tasksInFlight: () => number;
  /** How many positions the read models trail behind the log. */
  readonly projectionLag: () => Promise<number>;
  readonly parkedCases: () => Promise<number>;
};

export type Metrics = {
  readonly observer: Observer;
  /** Prometheus text, with gauges read now. */
  readonly scrape: (readings: Readings) => Promise<{ readonly contentType: string; readonly text: string }>;
};

const PREFIX = 'case_orchestrator_';
const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30];

/** Counters and histograms of one service, and a log line for what somebody must act on; labels come from closed sets, never from text. */
export function createMetrics(logger: Pick<Logger, 'error'>): Metrics {
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
  const backendCalls = new Histogram({
    name: `${PREFIX}backend_call_seconds`,
    help: 'Time of a backend call, by route and result',
    labelNames: ['route', 'result'],
    buckets: SECONDS,
    registers,
  });
  const tooLate = new Counter({
    name: `${PREFIX}results_too_late_total`,
    help: 'Backend answers that came after their attempt was recorded as unknown',
    labelNames: ['result'],
    registers,
  });
  const conflicts = new Counter({
    name: `${PREFIX}append_conflicts_total`,
    help: 'Appends that another writer was faster than',
    registers,
  });
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

  return {
    observer: {
      taskSettled: (outcome) => settled.inc({ outcome }),
      recommended: (source, durationMs) => recommendations.observe({ source }, durationMs / 1000),
      fellBack: (reason) => fallbacks.inc({ reason }),
      backendCalled: (route, result, durationMs) =>
        backendCalls.observe({ route, result }, durationMs / 1000),
      resultTooLate: (taskId, { actionId, attempt, result, errorType }) => {
        tooLate.inc({ result });
        logger.error(
          { taskId, actionId, attempt, result, errorType },
          'a backend answered after its attempt was recorded as unknown: tell the person who has the task',
        );
      },
      appendConflict: () => conflicts.inc(),
    },
    scrape: async (readings) => {
      inFlight.set(readings.tasksInFlight());
      lag.set(await orUnknown(readings.projectionLag()));
      parked.set(await orUnknown(readings.parkedCases()));
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** NaN where it cannot be read: what is counted in this process is wanted most while a database is gone. */
const orUnknown = (reading: Promise<number>): Promise<number> => reading.catch(() => Number.NaN);
