import { versionOf } from '../machine.ts';
import { mebibytes, middle, rounded, withSpread } from './numbers.ts';
import { type Row, type Run, rowsOf, type Spread } from './run.ts';

/** One table of the report, the same in Markdown and HTML; the first column names the contestant. */
export type Table = {
  readonly title: string;
  readonly lead: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns that hold words; all others hold numbers. */
  readonly words: readonly number[];
};

const OWN = 'ours1';

/** All tables, those left out that nothing was measured for. */
export function tablesOf(run: Run): readonly Table[] {
  const rows = rowsOf(run);
  const { options } = run;
  const { modelMs, backendMs, slowModelMs, inFlight } = options;
  const tables: readonly (Table | null)[] = [
    measuredTable(rows, ({ saturation }) => saturation, {
      title: 'Tasks per second at saturation',
      lead: `Model and backend answer at once; closed loop with the best of ${options.connections.join(', ')} connections. The last two columns are ratios of medians.`,
      head: ['tasks/s', 'connections', 'of the floor', 'case-orchestrator to it'],
      cells: (row) => [
        withSpread(row.saturation),
        String(row.connections),
        ratio(row.saturation, saturationOf(rows, 'floor')),
        ratio(saturationOf(rows, OWN), row.saturation),
      ],
    }),
    measuredTable(rows, ({ half }) => half.p50, {
      title: 'Latency overhead at half load',
      lead: `Tasks arrive at random at half of what the contestant itself can do; the model takes ${modelMs} ms and the backend ${backendMs} ms, which is subtracted. Milliseconds.`,
      head: ['tasks/s', 'p50', 'p95', 'p99'],
      cells: ({ half }) => [
        middle(half.rate),
        withSpread(half.p50),
        withSpread(half.p95),
        withSpread(half.p99),
      ],
    }),
    measuredTable(rows, ({ inflight }) => inflight, {
      title: `A slow model, ${inFlight} requests at a time`,
      lead: `The model takes ${slowModelMs} ms, so ${rounded((inFlight * 1_000) / slowModelMs)} tasks/s are the most there can be. Memory is the resident memory of all of the contestant's own processes. A refused request (429, 503) was sent again.`,
      head: ['tasks/s', 'refused', 'peak MiB'],
      cells: (row) => [
        withSpread(row.inflight),
        String(row.inflightRefused),
        withSpread(mebibytes(row.inflightRss)),
      ],
    }),
    measuredTable(rows, ({ hot }) => hot, {
      title: 'All tasks about one case',
      lead: 'Model and backend answer at once; 64 connections.',
      head: ['tasks/s', 'what the contestant makes of it'],
      words: [2],
      cells: (row) => [withSpread(row.hot), row.contestant.hotNote],
    }),
    measuredTable(rows, ({ cpu }) => cpu, {
      title: 'What one task costs',
      lead: "At saturation. Processor time of the contestant's own processes and of Postgres; transactions that only read count as well; one sync of the write-ahead log serves all commits that wait for it; what a contestant with a store of its own writes there is in the last column.",
      head: ['own CPU ms', 'Postgres CPU ms', 'transactions', 'WAL syncs', 'WAL bytes', 'own bytes written'],
      cells: (row) =>
        [row.cpu, row.postgresCpu, row.commits, row.walSyncs, row.walBytes, row.writtenBytes].map((cost) =>
          withSpread(cost),
        ),
    }),
    {
      title: 'Start and memory',
      lead: 'From the start of its processes, on an empty database, to its first 200. Resident memory with that done, and after everything.',
      head: ['', 'cold start ms', 'MiB at first', 'MiB at the end'],
      words: [0],
      rows: rows.map((row) => [
        row.contestant.label,
        withSpread(row.coldStart),
        withSpread(mebibytes(row.rssStart)),
        withSpread(mebibytes(row.rssEnd)),
      ]),
    },
    {
      title: 'Correctness, in the same run',
      lead: 'Every task answered as due, the backend called exactly once for each idempotency key and the model once for each task, every task in the contestant’s own store as done afterwards. What a repeated key does is told, not judged.',
      head: ['', 'tasks', 'verdict', 'a repeated key'],
      words: [0, 2, 3],
      rows: rows.map((row) => [row.contestant.label, String(row.tasks), verdictOf(row), row.repeat]),
    },
    {
      title: 'Who takes part',
      lead: 'Each peer as its own documentation recommends it, behind the same fastify route, with as many database connections and the same requests to model and backend; they call both through undici. Temporal is missing: its packages fetch its server from elsewhere at first use, and no registry package holds it.',
      head: ['', 'versions', 'how'],
      words: [0, 1, 2],
      rows: rows.map(({ contestant: { label, packages, note } }) => [
        label,
        packages.map((name) => `${name} ${versionOf(name)}`).join(', ') || 'this work tree',
        note,
      ]),
    },
  ];
  return tables.filter((table) => table !== null);
}

type Columns = {
  readonly title: string;
  readonly lead: string;
  readonly head: readonly string[];
  readonly words?: readonly number[];
  readonly cells: (row: Row) => readonly string[];
};

function measuredTable(
  all: readonly Row[],
  measured: (row: Row) => Spread,
  { title, lead, head, words = [], cells }: Columns,
): Table | null {
  const rows = all.filter((row) => measured(row) !== null);
  if (rows.length === 0) return null;
  return {
    title,
    lead,
    head: ['', ...head],
    words: [0, ...words],
    rows: rows.map((row) => [labelOf(row), ...cells(row)]),
  };
}

/** A contestant that is not correct is marked wherever it has a number. */
export const labelOf = ({ contestant, problems }: Row): string =>
  problems.length === 0 ? contestant.label : `${contestant.label} (NOT CORRECT)`;

const verdictOf = ({ problems }: Row): string =>
  problems.length === 0 ? 'correct' : `NOT CORRECT: ${problems.join('; ')}`;

const saturationOf = (rows: readonly Row[], name: string): Spread =>
  rows.find(({ contestant }) => contestant.name === name)?.saturation ?? null;

const ratio = (one: Spread, other: Spread): string =>
  one === null || other === null || other.median === 0
    ? 'not run'
    : `${rounded(one.median / other.median)} ×`;
