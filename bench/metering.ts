import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './postgres.ts';
import { machineBusyMs, usageOf } from './procfs.ts';

/** A server's own statistics trail by at most a second once it is idle (PGSTAT_MIN_INTERVAL). */
const STATISTICS_MS = 1_300;
const SAMPLE_MS = 250;

/** What was used during one run of the load generator, its warm-up and its last answers included. */
export type Metered = {
  /** Time on a processor, in milliseconds. */
  readonly cpuMs: {
    readonly contestant: number;
    readonly postgres: number;
    /** The stubs, the load generator and this program. */
    readonly bench: number;
    /** Whatever else ran on this machine. */
    readonly strangers: number;
  };
  readonly wallMs: number;
  /** What Postgres did: commits of the contestant's database, the write-ahead log of all. */
  readonly commits: number;
  readonly walBytes: number;
  readonly walSyncs: number;
  /** Bytes that the contestant's own processes sent to storage. */
  readonly writtenBytes: number;
  /** The most memory that the contestant's processes held at a time. */
  readonly peakRssBytes: number;
};

export type Subjects = {
  readonly contestant: readonly number[];
  readonly postgres: number;
  readonly database: Database;
};

type Reading = {
  readonly contestant: ReturnType<typeof usageOf>;
  readonly postgresMs: number;
  readonly benchMs: number;
  readonly machineMs: number;
  readonly at: number;
};

function read({ contestant, postgres }: Subjects, bench: readonly number[]): Reading {
  // Of this program itself, not of all that it started: that is everybody.
  const own = process.cpuUsage();
  const started = bench.filter((pid) => pid !== process.pid);
  return {
    contestant: usageOf(contestant),
    postgresMs: usageOf([postgres]).cpuMs,
    benchMs: usageOf(started).cpuMs + (own.user + own.system) / 1_000,
    machineMs: machineBusyMs(),
    at: performance.now(),
  };
}

async function during<T>(
  subjects: Subjects,
  bench: readonly number[],
  work: () => Promise<T>,
): Promise<[T, Metered]> {
  const writtenBefore = await subjects.database.written();
  const before = read(subjects, bench);
  let peakRssBytes = before.contestant.rssBytes;
  const sampler = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, usageOf(subjects.contestant).rssBytes);
  }, SAMPLE_MS);
  const result = await work().finally(() => clearInterval(sampler));
  const after = read(subjects, bench);
  await sleep(STATISTICS_MS);
  const written = await subjects.database.written();
  const contestant = after.contestant.cpuMs - before.contestant.cpuMs;
  const postgres = after.postgresMs - before.postgresMs;
  const ownMs = after.benchMs - before.benchMs;
  const strangers = after.machineMs - before.machineMs - contestant - postgres - ownMs;
  return [
    result,
    {
      cpuMs: { contestant, postgres, bench: ownMs, strangers: Math.max(0, strangers) },
      wallMs: after.at - before.at,
      commits: written.commits - writtenBefore.commits,
      walBytes: written.walBytes - writtenBefore.walBytes,
      walSyncs: written.walSyncs - writtenBefore.walSyncs,
      writtenBytes: after.contestant.writtenBytes - before.contestant.writtenBytes,
      peakRssBytes,
    },
  ];
}

/** Meters what runs of the load generator use. */
export const meter = {
  during,
  rssOf: (pids: readonly number[]): number => usageOf(pids).rssBytes,
};
