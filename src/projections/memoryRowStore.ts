import type { Projection, Row } from './projection.ts';
import type { Checkpoint, ParkedCase, RowStore } from './rowStore.ts';

/** A row store in memory, for tests and simulation; `rows` shows what it holds. */
export type MemoryRowStore = RowStore & { readonly rows: (table: string) => readonly Row[] };

export function createMemoryRowStore(): MemoryRowStore {
  const tables = new Map<string, Map<string, Row>>();
  let current: Checkpoint | null = null;
  let parkedCases: ParkedCase[] = [];

  const table = (name: string): Map<string, Row> => {
    const rows = tables.get(name) ?? new Map<string, Row>();
    tables.set(name, rows);
    return rows;
  };

  return {
    prepare: async () => {},
    checkpoint: async () => current,
    parked: async () => parkedCases,
    read: async (projection: Projection, keys) => {
      const rows = table(projection.table);
      return new Map(keys.flatMap((key) => (rows.has(key) ? [[key, rows.get(key) as Row]] : [])));
    },
    commit: async (before, after, changed, parked) => {
      if (current?.position !== before.position || current?.logId !== before.logId) return false;
      for (const [projection, rows] of changed) {
        for (const row of rows) table(projection.table).set(String(row[projection.key]), row);
      }
      parkedCases = [...parkedCases, ...parked];
      current = after;
      return true;
    },
    reset: async (_projections, checkpoint) => {
      tables.clear();
      parkedCases = [];
      current = checkpoint;
    },
    rows: (name) => [...table(name).values()],
  };
}
