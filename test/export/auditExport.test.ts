import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUDIT_COLUMNS, type AuditEntry, auditEntry } from '../../src/export/auditEntry.ts';
import { exportAudit } from '../../src/export/auditExport.ts';
import { createReadModels, type ReadModels } from '../../src/projections/queries.ts';
import { READ_MODELS } from '../../src/projections/readModels.ts';
import type { ReadSettled } from '../../src/projections/settledRows.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { closePostgres, LOG_ID, type PostgresRows, postgresRows } from '../projections/support.ts';
import { readCsv } from './csvReader.ts';

const ROWS = 20_000;
const UP_TO = BigInt(2 * ROWS);

let rows: PostgresRows;
let readModels: ReadModels;
beforeAll(async () => {
  rows = await postgresRows();
  await rows.rowStore.prepare(READ_MODELS);
  await rows.rowStore.reset(READ_MODELS, { logId: LOG_ID, fingerprint: 'test' }, null);
  readModels = createReadModels(rows.pool, systemClock);
  // Every second position; a case of its own for each tenth of them, and names as hostile as they come.
  await rows.pool.query(
    `insert into readmodel.audit_log
      select 'C' || n % 10 || '~' || lpad(n::text, 32, '0'), 'C' || n % 10, '=cmd|"' || n || E'",\\r\\n@', 'COMPLETED', 1, true,
        case when n % 3 = 0 then 'RETRY_EXTERNAL_CALL' else '@SUM(' || n || ')' end, 'PARTNER_API', n / 20000.0::double precision,
        case when n % 2 = 0 then 'AUTO_SUCCESS' else 'MANUAL' end, 'event ' || n,
        to_char(timestamp '2026-01-01' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"'), 2 * n
      from generate_series(1, $1) n`,
    [ROWS],
  );
  await rows.pool.query('insert into readmodel.audit_log (task_id, case_id) values ($1, $2)', ['open', 'C1']);
  await rows.pool.query('update readmodel.checkpoint set position = $1', [UP_TO]);
});
afterAll(closePostgres);

const whole = async (
  read: ReadSettled,
  query: Partial<Parameters<typeof exportAudit>[1]> = {},
): Promise<string> => {
  let text = '';
  for await (const chunk of exportAudit(read, { filter: {}, upTo: UP_TO, format: 'jsonl', ...query }))
    text += chunk;
  return text;
};
const entriesOf = (text: string): AuditEntry[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
const settledAt = (n: number): string =>
  new Date(Date.parse('2026-01-01T00:00:00Z') + n * 1_000).toISOString();

describe(`an export of ${ROWS} entries`, () => {
  it('holds each of them once, in the order of settling, the same in both formats, in about a second', async () => {
    const start = performance.now();
    const entries = entriesOf(await whole(readModels.settled));
    const [header, ...records] = readCsv(await whole(readModels.settled, { format: 'csv' }));
    const tookMs = performance.now() - start;
    expect(entries.map(({ id }) => id)).toEqual(Array.from({ length: ROWS }, (_, n) => `event ${n + 1}`));
    expect(Object.keys(entries[0] ?? {})).toEqual([...AUDIT_COLUMNS]);
    expect(header).toEqual([...AUDIT_COLUMNS]);
    expect(records).toEqual(
      entries.map((entry) =>
        AUDIT_COLUMNS.map((column) => String(entry[column])).map((text) =>
          /^[=@]/.test(text) ? `'${text}` : text,
        ),
      ),
    );
    // Alone on a machine it is far less; it must not grow with the square of the rows.
    expect(tookMs).toBeLessThan(10_000);
  });

  it('reads a page when the one before it was taken, and not earlier', async () => {
    const limits: number[] = [];
    const chunks = exportAudit(
      (page) => {
        limits.push(page.limit);
        return readModels.settled(page);
      },
      { filter: {}, upTo: UP_TO, format: 'csv' },
    );
    for (let taken = 1; taken <= 3; taken += 1) {
      await chunks.next();
      expect(limits).toHaveLength(taken);
    }
    await chunks.return();
    expect(limits).toEqual([1_000, 1_000, 1_000]);
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });

  it('is filtered as the list is, and ends at a position, whatever is settled meanwhile', async () => {
    const count = async (query: Parameters<typeof whole>[1]) =>
      entriesOf(await whole(readModels.settled, query)).length;
    expect(await count({ filter: { outcome: 'MANUAL' } })).toBe(ROWS / 2);
    expect(await count({ filter: { intent: 'RETRY_EXTERNAL_CALL' } })).toBe(Math.floor(ROWS / 3));
    expect(await count({ filter: { actor_id: 'nobody' } })).toBe(0);
    expect(await count({ from: settledAt(10), to: settledAt(20) })).toBe(10);
    expect(await count({ from: settledAt(10), asOf: settledAt(20) })).toBe(11);
    expect(await count({ upTo: 21n })).toBe(10);
    expect(await whole(readModels.settled, { format: 'csv', upTo: 0n })).toBe(`${AUDIT_COLUMNS.join()}\r\n`);
  });
});

it('an export never looks whole where the read models were made anew under it', async () => {
  let pages = 0;
  const read: ReadSettled = async (page) => {
    pages += 1;
    if (pages === 3) await rows.pool.query('update readmodel.checkpoint set position = 7');
    return readModels.settled(page);
  };
  await expect(whole(read)).rejects.toMatchObject({ code: 'EXPORT_INTERRUPTED' });
  await rows.pool.query('update readmodel.checkpoint set position = null');
  await expect(whole(readModels.settled)).rejects.toMatchObject({ code: 'EXPORT_INTERRUPTED' });
  await rows.pool.query('update readmodel.checkpoint set position = $1', [UP_TO]);
  expect(await whole(readModels.settled, { upTo: 3n })).not.toBe('');
});

it('what is not settled is no entry', async () => {
  const [row] = await readModels.audit({ filter: {}, limit: 1, after: null });
  if (!row) throw new Error('there is no row');
  expect(() => auditEntry({ ...row, outcome: null })).toThrow('is not settled');
});
