/** Part of the protocol test server: a test double in memory, not a database. */

/** Where the newest commit of an event id went. */
export type Committed = { readonly stream: string; readonly revision: bigint };

/** Remembers the ids that this node committed lately; a restart or another leader has none of it. */
export type CommitCache = {
  readonly find: (id: string, stream: string) => Committed | undefined;
  readonly put: (id: string, committed: Committed) => void;
  readonly forget: () => void;
};

const LIMIT_BYTES = 8 * 1024 * 1024;
const ENTRY_BYTES = 28;
const sizeOf = ({ stream }: Committed): number => ENTRY_BYTES + stream.length * 2;

/** A cache of 8 MiB that drops its oldest entries. */
export function createCommitCache(): CommitCache {
  const entries = new Map<string, Committed>();
  let bytes = 0;
  const drop = (id: string): void => {
    const entry = entries.get(id);
    if (entry !== undefined) bytes -= sizeOf(entry);
    entries.delete(id);
  };
  return {
    find: (id, stream) => {
      const entry = entries.get(id);
      return entry?.stream === stream ? entry : undefined;
    },
    put: (id, committed) => {
      drop(id);
      entries.set(id, committed);
      bytes += sizeOf(committed);
      for (const oldest of entries.keys()) {
        if (bytes <= LIMIT_BYTES) break;
        drop(oldest);
      }
    },
    forget: () => {
      entries.clear();
      bytes = 0;
    },
  };
}
