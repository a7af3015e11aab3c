import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import type { Pool } from 'pg';
import { DATABASE } from '../src/database.ts';
import { startEmbeddedPostgres } from '../src/postgres/embedded/startEmbeddedPostgres.ts';
import { openMigratedPool } from '../src/postgres/migratedPool.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { liveCase } from './history/case.ts';
import { type HistorySources, startHistoryEngine } from './history/engine.ts';
import { readHistorySources } from './history/sources.ts';

/**
 * Makes a long history by driving the real loop, in an embedded Postgres that `DATA_DIR=<folder> npm run verify` and the others can then
 * be used on: `node scripts/make-history.ts --data-dir <folder> --cases 100000`. Tasks of all kinds are received, recommended by the local
 * recommender, judged, carried out by simulated backends of which some calls fail, routed to people, claimed, approved and rejected;
 * half-way the policy is another one.
 */
const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    cases: { type: 'string', default: '100000' },
    'at-once': { type: 'string', default: '48' },
  },
});
const dataDir = values['data-dir'];
if (dataDir === undefined) throw new Error('--data-dir names the folder to make the history in');
const cases = Number(values.cases);
const start = systemClock.monotonicMs();
const seconds = (): string => ((systemClock.monotonicMs() - start) / 1_000).toFixed(0);

const postgres = await startEmbeddedPostgres({ dataDir, databases: [DATABASE] });
try {
  const { pool } = await openMigratedPool({ url: postgres.url, max: 32, onError: () => {} });
  const halves = await readHistorySources();
  for (const [half, sources] of halves.entries()) {
    const end = Math.round(((half + 1) * cases) / halves.length);
    await live(pool, sources, Math.round((half * cases) / halves.length), end);
  }
  await tellCounts(pool);
  await pool.end();
} finally {
  await postgres.stop();
}

/** Lives through the cases of one half under its policy. */
async function live(pool: Pool, sources: HistorySources, from: number, to: number): Promise<void> {
  const engine = await startHistoryEngine(pool, sources);
  const limited = pLimit(Number(values['at-once']));
  let done = from;
  const one = async (number: number): Promise<void> => {
    await liveCase(engine, number);
    done += 1;
    if (done % 1_000 === 0) process.stderr.write(`${done} cases, ${seconds()} s\n`);
  };
  await Promise.all(Array.from({ length: to - from }, (_, index) => limited(() => one(from + index))));
  await engine.stop(60_000);
}

async function tellCounts(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ type: string; count: number }>(
    'select type, count(*)::integer as count from eventlog.events group by type order by type',
  );
  for (const { type, count } of rows) process.stdout.write(`${String(count).padStart(8)} ${type}\n`);
  const events = rows.reduce((sum, { count }) => sum + count, 0);
  process.stdout.write(`${String(events).padStart(8)} events over ${cases} cases in ${seconds()} s\n`);
}
