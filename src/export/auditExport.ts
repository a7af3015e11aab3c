import type { ReadSettled, SettledPage } from '../projections/settledRows.ts';
import { AUDIT_COLUMNS, type AuditEntry, auditEntry } from './auditEntry.ts';
import { csvRecord } from './csv.ts';

/** CSV as RFC 4180 has it, or one JSON object a line. */
export const EXPORT_FORMATS = ['csv', 'jsonl'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What is exported of the audit log: everything that was settled up to a position, filtered. */
export type AuditExport = Omit<SettledPage, 'limit' | 'after'> & { readonly format: ExportFormat };

/** Read models were made anew while they were exported: what was read so far is not all. */
class ExportInterruptedError extends Error {
  readonly code = 'EXPORT_INTERRUPTED';
}

const PAGE = 1_000;

/**
 * The audit log in the order in which its entries were settled, page by page: the next page is read when the one before it was taken, so
 * that memory holds one.
 *
 * @returns text in chunks, each of whole lines
 * @throws ExportInterruptedError, and what the read models throw: then what came so far is not the whole
 */
export async function* exportAudit(
  read: ReadSettled,
  { format, ...query }: AuditExport,
): AsyncGenerator<string, void> {
  const { begin, line } = WRITERS[format];
  let text = begin;
  for (let after = -1; ; ) {
    const { rows, reached } = await read({ ...query, limit: PAGE, after });
    if (reached === null || reached < query.upTo)
      throw new ExportInterruptedError('the read models were made anew meanwhile: export again');
    for (const row of rows) text += line(auditEntry(row));
    if (text !== '') yield text;
    text = '';
    after = rows.at(-1)?.settled_position ?? after;
    if (rows.length < PAGE) return;
  }
}

type Writer = { readonly begin: string; readonly line: (entry: AuditEntry) => string };

const WRITERS: Readonly<Record<ExportFormat, Writer>> = {
  csv: {
    begin: csvRecord(AUDIT_COLUMNS),
    line: (entry) => csvRecord(AUDIT_COLUMNS.map((column) => entry[column])),
  },
  jsonl: {
    begin: '',
    line: (entry) =>
      `${JSON.stringify(Object.fromEntries(AUDIT_COLUMNS.map((column) => [column, entry[column]])))}\n`,
  },
};
