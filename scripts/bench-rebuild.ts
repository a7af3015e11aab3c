import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ORCHESTRATOR } from '../src/domain/actors.ts';
import { caseStream } from '../src/domain/identifiers.ts';
import { codec } from '../src/eventstore/codec.ts';
import { identifyLog } from '../src/eventstore/identity.ts';
import { createEventLog, EMPTY_HEAD } from '../src/eventstore/log.ts';
import { createPostgresEventStore } from '../src/eventstore/postgres/postgresEventStore.ts';
import { startEmbeddedPostgres } from '../src/postgres/embedded/startEmbeddedPostgres.ts';
import { openMigratedPool } from '../src/postgres/migratedPool.ts';
import { createPostgresRowStore } from '../src/projections/postgresRowStore.ts';
import { fingerprintOf, READ_MODELS } from '../src/projections/readModels.ts';
import { rebuild } from '../src/projections/rebuild.ts';
import { systemClock } from '../src/runtime/clock.ts';
import {
  executed,
  opened,
  permitted,
  received,
  recommended,
  routed,
  started,
} from '../test/support/builders.ts';

/** Events a second of `npm run rebuild`, on a log of executed and routed tasks in a Postgres of its own. */
const CASES = Number(process.argv[2] ?? 10_000);
const MOST_APPENDS = 16;

const dataDir = await mkdtemp(join(tmpdir(), 'case-orchestrator-bench-'));
const postgres = await startEmbeddedPostgres({ dataDir });
const { pool } = await openMigratedPool({ url: postgres.url, max: 20, onError: () => {} });
try {
  const store = createPostgresEventStore({ pool });
  const log = createEventLog(store, uuidv7);
  const now = systemClock.now();
  const logId = await identifyLog(log, ORCHESTRATOR, uuidv7(), now);
  const context = { actor: ORCHESTRATOR, correlationId: null, causationId: null, traceparent: null, now };
  const limited = pLimit(MOST_APPENDS);
  const fill = async (n: number): Promise<void> => {
    const done = n % 3 === 0 ? [routed(n, ['X'])] : [permitted(n), started(n), executed('SUCCEEDED', n)];
    const events = [opened(), received(n), recommended(n), ...done];
    await log.append(caseStream(`case${n}`), EMPTY_HEAD, events, context);
  };
  await Promise.all(Array.from({ length: CASES }, (_, n) => limited(() => fill(n))));
  const rowStore = createPostgresRowStore(pool);
  const deps = { store, codec, rowStore, projections: READ_MODELS, logId, clock: systemClock };
  const once = () => rebuild({ ...deps, fingerprint: fingerprintOf(store.kind) }, () => {});
  await once();

  const reading = readUntilStopped(pool);
  const start = performance.now();
  const { events } = await once();
  const seconds = (performance.now() - start) / 1_000;
  const { fewest, longestMs } = await reading.stop();
  process.stdout.write(
    `${events} events in ${seconds.toFixed(1)} s: ${Math.round(events / seconds)} a second; meanwhile a reader never saw ` +
      `fewer than ${fewest} of ${CASES} cases and waited ${longestMs.toFixed(0)} ms at most\n`,
  );
} finally {
  await pool.end();
  await postgres.stop();
  await rm(dataDir, { recursive: true });
}

function readUntilStopped(from: Pool): {
  readonly stop: () => Promise<{ readonly fewest: number; readonly longestMs: number }>;
} {
  let going = true;
  let fewest = Number.POSITIVE_INFINITY;
  let longestMs = 0;
  const run = async (): Promise<void> => {
    while (going) {
      const before = performance.now();
      const { rows } = await from.query<{ count: number }>(
        'select count(*)::integer as count from readmodel.cases',
      );
      longestMs = Math.max(longestMs, performance.now() - before);
      fewest = Math.min(fewest, rows[0]?.count ?? 0);
      await systemClock.sleep(5);
    }
  };
  const ended = run();
  return {
    stop: async () => {
      going = false;
      await ended;
      return { fewest, longestMs };
    },
  };
}
