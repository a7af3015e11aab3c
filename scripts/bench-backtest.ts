import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import type { DomainEvent } from '../src/domain/events.ts';
import { evaluateGuardrails } from '../src/domain/guardrails.ts';
import { parsePolicy } from '../src/domain/policy.ts';
import { codec } from '../src/eventstore/codec.ts';
import { createPostgresEventStore } from '../src/eventstore/postgres/postgresEventStore.ts';
import { startEmbeddedPostgres } from '../src/postgres/embedded/startEmbeddedPostgres.ts';
import { openMigratedPool } from '../src/postgres/migratedPool.ts';
import { backtestLog } from '../src/replay/backtest/backtestLog.ts';
import { readVerdict } from '../src/replay/backtest/recordedVerdict.ts';
import { systemClock } from '../src/runtime/clock.ts';
import * as make from '../test/support/builders.ts';

/**
 * Verdicts a minute of `npm run backtest`, CPU seconds of this process and its memory over time, on a log made by SQL in a Postgres of
 * its own: ten events a case, two of them verdicts. `node scripts/bench-backtest.ts [cases] [policy file]`
 */
const CASES = Number(process.argv[2] ?? 20_000);
const POLICY_FILE = process.argv[3] ?? null;
const CASES_AT_ONCE = 500;
const EXAMPLE = 1;
/** Names the database to the process that measures. */
const MEASURE = 'BENCH_BACKTEST_URL';
/** As it comes, and with a heap in which nothing that grows with the log would fit. */
const HEAPS = [[], ['--max-old-space-size=96', '--max-semi-space-size=4']];

type Row = { readonly type: string; readonly data: string; readonly metadata: string };

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;

const judged = (changes: Parameters<typeof make.facts>[0], reviewer = false): DomainEvent => {
  const facts = make.facts(changes);
  const event = make.permitted(EXAMPLE);
  const overrides = reviewer ? ['confidence'] : [];
  const authority = reviewer
    ? { kind: 'reviewer' as const, reviewer: 'ann', overrides }
    : { kind: 'policy' as const };
  return {
    ...event,
    data: {
      ...event.data,
      ...evaluateGuardrails(make.policy, facts, overrides),
      facts,
      authority,
      attempt: facts.task.attempt,
    },
  } as DomainEvent;
};

/** What becomes of a case: executed at the second attempt; or approved by a person, against its confidence. */
const VARIANTS: readonly (readonly DomainEvent[])[] = [
  [
    make.opened(),
    make.received(EXAMPLE),
    make.recommended(EXAMPLE),
    judged({}),
    make.started(EXAMPLE),
    make.executed('FAILED', EXAMPLE),
    make.retryScheduled(EXAMPLE),
    judged({ task: { attempt: 2 }, case: { retryCount: 2 } }),
    make.started(EXAMPLE),
    make.executed('SUCCEEDED', EXAMPLE),
  ],
  [
    make.opened(),
    make.received(EXAMPLE),
    make.recommended(EXAMPLE),
    judged({ decision: { confidence: 0.7 } }),
    make.routed(EXAMPLE, ['CONFIDENCE_TOO_LOW']),
    make.retryScheduled(EXAMPLE),
    {
      type: 'ReviewDecided',
      data: {
        taskId: make.taskId(EXAMPLE),
        reviewer: 'ann',
        resolution: 'APPROVED',
        reasonCode: 'CONFIRMED',
        note: null,
        reviewedHash: 'f'.repeat(64),
        reviewedRevision: 5,
        action: { intent: 'RETRY_EXTERNAL_CALL', routeTarget: 'PARTNER_API' },
        overrides: ['confidence'],
        awaitsSecond: false,
        command: null,
      },
    },
    judged({ decision: { confidence: 0.7 } }, true),
    make.started(EXAMPLE),
    make.executed('FAILED', EXAMPLE),
  ],
];

const stored = VARIANTS.map((events) => events.map(rowOf));

function rowOf(event: DomainEvent): Row {
  const { data, schemaVersion } = codec.encode(event);
  const actor = { authMethod: 'internal', id: 'case-orchestrator', kind: 'system', roles: [] };
  const ids = { causationId: make.uuid(7), correlationId: make.taskId(EXAMPLE) };
  const chain = { hash: 'a'.repeat(64), prevHash: 'b'.repeat(64) };
  const metadata = { actor, ...ids, ...chain, recordedAt: make.AT, schemaVersion, traceparent: null };
  return { type: event.type, data, metadata: JSON.stringify(metadata) };
}

async function fill(pool: Pool): Promise<void> {
  let id = 0;
  for (let from = 0; from < CASES; from += CASES_AT_ONCE) {
    const columns: [number[], string[], string[], string[], string[], string[]] = [[], [], [], [], [], []];
    for (let n = from; n < Math.min(CASES, from + CASES_AT_ONCE); n += 1) {
      const ofTask = `case${n}~${n.toString(16).padStart(32, '0')}`;
      (stored[n % 4 === 0 ? 1 : 0] ?? []).forEach(({ type, data, metadata }, revision) => {
        id += 1;
        const row = [
          revision,
          make.uuid(id),
          `case-case${n}`,
          type,
          withTask(data, ofTask),
          withTask(metadata, ofTask),
        ];
        for (const [column, value] of row.entries()) (columns[column] as unknown[]).push(value);
      });
    }
    await pool.query(
      `insert into eventlog.events (revision, id, stream, type, data, metadata)
        select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])`,
      columns,
    );
  }
}

const withTask = (text: string, taskId: string): string => text.replaceAll(make.taskId(EXAMPLE), taskId);

function compareDecoders(): void {
  const [row] = stored[0]?.filter(({ type }) => type === 'GuardrailEvaluated') ?? [];
  if (!row) return;
  const event = { ...row, id: make.uuid(1), stream: 'case-A', revision: 3, position: 4n };
  const perEvent = (work: () => unknown): string => {
    const rounds = 20_000;
    for (let n = 0; n < rounds; n += 1) work();
    const start = performance.now();
    for (let n = 0; n < rounds; n += 1) work();
    return `${(((performance.now() - start) * 1_000) / rounds).toFixed(1)} µs`;
  };
  say(
    `one verdict (${row.data.length} characters): ${perEvent(() => codec.decode(event))} by the codec's schema, ` +
      `${perEvent(() => readVerdict(event))} by the narrow reader`,
  );
}

const url = process.env[MEASURE];
if (url === undefined) await fillAndMeasure();
else await measure(url);

/** Measured in a process of its own, whose memory is that of the backtest. */
async function fillAndMeasure(): Promise<void> {
  compareDecoders();
  const dataDir = await mkdtemp(join(tmpdir(), 'case-orchestrator-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir });
  const { pool } = await openMigratedPool({ url: postgres.url, max: 2, onError: () => {} });
  try {
    const filling = performance.now();
    await fill(pool);
    say(`${CASES * 10} events made in ${((performance.now() - filling) / 1_000).toFixed(1)} s`);
    const env = { ...process.env, [MEASURE]: postgres.url };
    for (const heap of HEAPS) {
      say(`node ${heap.join(' ') || 'as it comes'}`);
      const child = spawn(process.execPath, [...heap, ...process.argv.slice(1)], { env, stdio: 'inherit' });
      await once(child, 'exit');
    }
  } finally {
    await pool.end();
    await postgres.stop();
    await rm(dataDir, { recursive: true });
  }
}

async function measure(databaseUrl: string): Promise<void> {
  const { pool } = await openMigratedPool({ url: databaseUrl, max: 4, onError: () => {} });
  const source =
    POLICY_FILE === null
      ? make.configText('policy.yaml').replace('minConfidence: 0.80', 'minConfidence: 0.60')
      : readFileSync(POLICY_FILE, 'utf8');
  const candidate = parsePolicy(source, POLICY_FILE ?? 'candidate', make.playbook);
  const store = createPostgresEventStore({ pool });
  const asked = { candidate, playbook: make.playbook, since: null, until: null };
  const memory: number[] = [];
  let next = 0;
  const before = process.cpuUsage();
  const report = await backtestLog(
    { store, codec, logId: null, clock: systemClock },
    asked,
    ({ verdicts }) => {
      if (verdicts < next) return;
      next += (CASES * 2) / 10;
      memory.push(process.memoryUsage().rss);
    },
  );
  const { user, system } = process.cpuUsage(before);
  await pool.end();
  const { verdicts, policy, durationMs } = report;
  say(`${verdicts} verdicts in ${(durationMs / 1_000).toFixed(1)} s: ${report.verdictsPerMinute} a minute`);
  say(
    `CPU of this process ${((user + system) / 1e6).toFixed(1)} s: ` +
      `${Math.round((verdicts * 60e6) / (user + system))} verdicts a CPU minute`,
  );
  say(`flips ${policy.toExecute} to EXECUTE, ${policy.toManual} to ROUTE_TO_MANUAL`);
  say(`memory (rss) on the way: ${memory.map(megabytes).join(', ')}`);
}
