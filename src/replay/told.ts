import type { Mismatch, VerificationReport } from './report.ts';
import { sealLinesOf } from './sealsTold.ts';

const MOST_TOLD = 100;
const RESULTS = {
  CLEAN: 'clean: everything that was replayed came out as it is recorded',
  INCOMPLETE: 'INCOMPLETE: nothing is wrong with what was replayed, but not everything could be',
  MISMATCH: 'MISMATCH: what is recorded is not what happened, or not all of it',
} as const;

/** A report, in lines for people. */
export function linesOf(report: VerificationReport): string[] {
  const { mismatches, mismatchCount, notReplayed } = report;
  const untold = mismatchCount - Math.min(mismatches.length, MOST_TOLD);
  return [
    RESULTS[report.result],
    `log          ${report.logId ?? 'without a name'}, up to position ${report.upTo ?? 'none: it is empty'}`,
    `replayed     ${report.events} events of ${report.streams} streams, ${report.cases} cases; ` +
      `${report.verdicts} verdicts evaluated again`,
    `read models  ${report.readModelsUpTo === null ? 'not compared' : `${report.rows} rows compared, as of position ${report.readModelsUpTo}`}`,
    ...sealLinesOf(report.seals),
    `took         ${(report.durationMs / 1_000).toFixed(1)} s, ${report.eventsPerSecond} events a second`,
    ...notReplayed.flatMap(({ reason, count, examples }) => [
      `not replayed ${count} × ${reason}`,
      ...examples.map((place) => `  ${placeOf(place)}`),
    ]),
    `mismatches   ${mismatchCount}`,
    ...mismatches.slice(0, MOST_TOLD).map(lineOf),
    ...(untold > 0 ? [`  and ${untold} more`] : []),
  ];
}

function lineOf({ kind, row, detail, ...place }: Mismatch): string {
  const inRow = row ? ` ${row.table} ${row.key}${row.column === null ? '' : ` ${row.column}`}` : '';
  return `  ${kind} ${placeOf(place)}${inRow}: ${detail}`;
}

const placeOf = ({ stream, caseId, revision }: Pick<Mismatch, 'stream' | 'caseId' | 'revision'>): string =>
  `${caseId === null ? stream || 'the log' : `case ${caseId}`}${revision === null ? '' : ` revision ${revision}`}`;
