import type { Row } from './projection.ts';
import {
  type Checkpoint,
  isSameCheckpoint,
  type ParkedCase,
  type ReplaceableRowStore,
  type Replacement,
  type RowStore,
} from './rowStore.ts';

/** A row store in memory, for tests and simulation; `rows` shows what it holds. */
export type MemoryRowStore = ReplaceableRowStore & { readonly rows: (table: string) => readonly Row[] };

type Contents = {
  tables: Map<string, Map<string, Row>>;
  checkpoint: Checkpoint | null;
  parked: readonly ParkedCase[];
};

const nothing = (): Contents => ({ tables: new Map(), checkpoint: null, parked: [] });

export function createMemoryRowStore(): MemoryRowStore {
  const live = nothing();
  let replacing = false;
  return {
    ...rowsIn(live),
    rows: (name) => [...(live.tables.get(name)?.values() ?? [])],
    replacement: async () => {
      if (replacing) return null;
      replacing = true;
      return replacementOf(live, () => {
        replacing = false;
      });
    },
  };
}

function rowsIn(contents: Contents): RowStore {
  return {
    prepare: async () => {},
    checkpoint: async () => contents.checkpoint,
    parked: async () => [...contents.parked],
    read: async ({ table }, keys) => {
      const rows = contents.tables.get(table);
      return new Map(
        keys.flatMap((key) => {
          const row = rows?.get(key);
          return row === undefined ? [] : [[key, row]];
        }),
      );
    },
    commit: async (before, after, changed, parked) => {
      if (!isSame(contents.checkpoint, before)) return false;
      for (const [{ table, key }, rows] of changed) {
        const stored = contents.tables.get(table) ?? new Map<string, Row>();
        contents.tables.set(table, stored);
        for (const row of rows) stored.set(String(row[key]), row);
      }
      contents.parked = [...contents.parked, ...parked];
      contents.checkpoint = after;
      return true;
    },
    reset: async (_projections, madeFrom, before) => {
      if (!isSameCheckpoint(contents.checkpoint, before)) return null;
      const checkpoint = { ...madeFrom, generation: generationAfter(contents.checkpoint), position: null };
      Object.assign(contents, { ...nothing(), checkpoint });
      return checkpoint;
    },
  };
}

/** What moves while the new rows catch up cannot be kept waiting here: then nothing is swapped. */
function replacementOf(live: Contents, end: () => void): Replacement {
  const made = nothing();
  return {
    rows: rowsIn(made),
    swap: async (catchUp) => {
      const old = live.checkpoint;
      const reached = await catchUp(old);
      if (reached === null || live.checkpoint !== old) return false;
      const checkpoint = { ...reached, generation: generationAfter(old) };
      Object.assign(live, { ...made, checkpoint });
      Object.assign(made, nothing());
      return true;
    },
    end: async () => end(),
  };
}

const generationAfter = (checkpoint: Checkpoint | null): number => (checkpoint?.generation ?? 0) + 1;

const isSame = (a: Checkpoint | null, b: Checkpoint): boolean =>
  a?.logId === b.logId &&
  a.fingerprint === b.fingerprint &&
  a.generation === b.generation &&
  a.position === b.position;
