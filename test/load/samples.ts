import { setTimeout as sleep } from 'node:timers/promises';
import { readMetrics } from '../support/metrics.ts';
import type { Caller } from './caller.ts';

/** What /metrics said at one moment. */
export type Sample = {
  /** By `performance.now()`. */
  readonly atMs: number;
  readonly rssMb: number;
  readonly heapMb: number;
  /** The worst delay of the event loop since the sample before, in milliseconds. */
  readonly loopMs: number;
  readonly inFlight: number;
  /** Positions that the read models trail; NaN where it could not be told. */
  readonly lag: number;
};

export type Sampler = {
  readonly samples: readonly Sample[];
  readonly stop: () => Promise<void>;
};

const MB = 1024 * 1024;

/** Looks at /metrics again and again. */
export function startSampler(caller: Caller, everyMs: number): Sampler {
  const samples: Sample[] = [];
  const ending = new AbortController();
  const sampling = (async () => {
    while (!ending.signal.aborted) {
      const sample = await takeSample(caller);
      if (sample) samples.push(sample);
      await sleep(everyMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  return {
    samples,
    stop: async () => {
      ending.abort();
      await sampling;
    },
  };
}

/** One look; null when the service did not answer. */
export async function takeSample(caller: Caller): Promise<Sample | null> {
  const metrics = await scrape(caller);
  if (!metrics) return null;
  const value = (name: string): number => metrics.get(name) ?? Number.NaN;
  return {
    atMs: performance.now(),
    rssMb: value('process_resident_memory_bytes') / MB,
    heapMb: value('nodejs_heap_size_used_bytes') / MB,
    loopMs: value('nodejs_eventloop_lag_max_seconds') * 1_000,
    inFlight: value('case_orchestrator_tasks_in_flight'),
    lag: value('case_orchestrator_projection_lag_positions'),
  };
}

/** All samples of /metrics by name and labels; null when the service did not answer. */
export async function scrape(caller: Caller): Promise<ReadonlyMap<string, number> | null> {
  const { status, body } = await caller.get('/metrics');
  return status === 200 ? readMetrics(String(body)) : null;
}

/** The sum of all series of one metric. */
export function total(metrics: ReadonlyMap<string, number> | null, name: string): number {
  let sum = 0;
  for (const [series, value] of metrics ?? []) {
    if (series === name || series.startsWith(`${name}{`)) sum += value;
  }
  return sum;
}
