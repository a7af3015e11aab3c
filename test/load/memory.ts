import type { Sample } from './samples.ts';
import { median, quantile } from './statistics.ts';

/** Memory of the service over a stretch of time, in MiB. */
export type Memory = {
  readonly rss: number;
  /** What the heap comes down to: the tenth part of the samples is below it, so garbage does not count. */
  readonly heap: number;
};

export function memoryOf(samples: readonly Sample[]): Memory {
  return {
    rss: median(samples.map(({ rssMb }) => rssMb)),
    heap: quantile(
      samples.map(({ heapMb }) => heapMb),
      0.1,
    ),
  };
}

export const within = (samples: readonly Sample[], fromMs: number, toMs: number): readonly Sample[] =>
  samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
