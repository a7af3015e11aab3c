import {
  type ChangedRows,
  type ReplaceableRowStore,
  RowRefusedError,
  type RowStore,
} from '../../../src/projections/rowStore.ts';
import type { Host } from '../host.ts';
import type { Link } from '../link.ts';

/**
 * The read models as one process sees them.
 *
 * @param refusedCases cases of which no row is taken
 */
export function rowsOf(
  host: Host,
  link: Link,
  rows: RowStore,
  refusedCases: ReadonlySet<string> = new Set(),
): RowStore {
  const call = <T>(method: string, changes: boolean, work: () => Promise<T>): Promise<T> =>
    link.call(host, { channel: 'rows', method, changes, work });
  return {
    prepare: (projections) => call('prepare', false, () => rows.prepare(projections)),
    checkpoint: () => call('checkpoint', false, () => rows.checkpoint()),
    parked: () => call('parked', false, () => rows.parked()),
    read: (projection, keys) => call('read', false, () => rows.read(projection, keys)),
    commit: (before, after, changed, parked) =>
      call('commit', true, async () => {
        if (refusedCases.size > 0) refuse(changed, refusedCases);
        return rows.commit(before, after, changed, parked);
      }),
    reset: (projections, madeFrom, before) =>
      call('reset', true, () => rows.reset(projections, madeFrom, before)),
  };
}

/** The same with what a rebuild needs besides. */
export function replaceableRowsOf(host: Host, link: Link, rows: ReplaceableRowStore): ReplaceableRowStore {
  const call = <T>(method: string, work: () => Promise<T>): Promise<T> =>
    link.call(host, { channel: 'rows', method, changes: true, work });
  return {
    ...rowsOf(host, link, rows),
    replacement: async (projections) => {
      const replacement = await call('replacement', async () => {
        const begun = await rows.replacement(projections);
        // The database notices when the process that rebuilds is gone.
        if (begun) host.onDeath(() => void begun.end());
        return begun;
      });
      if (!replacement) return null;
      return {
        rows: rowsOf(host, link, replacement.rows),
        swap: (catchUp, patienceMs) => call('swap', () => replacement.swap(catchUp, patienceMs)),
        end: () => call('end', replacement.end),
      };
    },
  };
}

function refuse(changed: ChangedRows, refusedCases: ReadonlySet<string>): void {
  for (const rows of changed.values()) {
    for (const row of rows) {
      if (refusedCases.has(String(row.case_id))) throw new RowRefusedError('22P05', null);
    }
  }
}
