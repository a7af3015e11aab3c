import type { Pool } from 'pg';
import { type VerificationReport, verificationReport } from './report.ts';

/** Where the last report of a verification is kept. */
export type LastVerification = {
  /** Null where none was ever kept that this version can read. */
  readonly read: () => Promise<VerificationReport | null>;
  /** Keeps a report, unless one that ended later is there already. */
  readonly keep: (report: VerificationReport) => Promise<void>;
};

export const createLastVerification = (pool: Pick<Pool, 'query'>): LastVerification => ({
  read: async () => {
    const { rows } = await pool.query<{ report: string }>('select report from verification.last');
    const [row] = rows;
    return row ? (verificationReport.safeParse(JSON.parse(row.report)).data ?? null) : null;
  },
  keep: async (report) => {
    await pool.query(
      `insert into verification.last as old (finished_at, report) values ($1, $2)
        on conflict (only_row) do update set finished_at = $1, report = $2 where old.finished_at <= $1`,
      [report.finishedAt, JSON.stringify(report)],
    );
  },
});
