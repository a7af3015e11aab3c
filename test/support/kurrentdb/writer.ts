/** Part of the protocol test server: a test double in memory, not a database. Appends and deletes, decided and done. */
import { randomUUID } from 'node:crypto';
import type { CommitCache } from './commitCache.ts';
import { checkCommit, type Expected, type Verdict } from './commitCheck.ts';
import type { LogRecord, ProposedEvent, ServerLog } from './log.ts';
import { isSoftDeleted, METADATA_PREFIX, SOFT_DELETED_METADATA, undelete } from './metadata.ts';
import { systemEvent } from './seed.ts';

export type WriteResult =
  /** Revision of the last event; position null where the server has none to tell. */
  | {
      readonly kind: 'success';
      readonly revision: bigint;
      readonly position: bigint | null;
      readonly repeated: boolean;
    }
  | Extract<Verdict, { kind: 'conflict' | 'deleted' }>;

export type Writer = {
  readonly append: (stream: string, expected: Expected, events: readonly ProposedEvent[]) => WriteResult;
  readonly delete: (stream: string, expected: Expected) => WriteResult;
  readonly tombstone: (stream: string, expected: Expected) => WriteResult;
};

/** What writes to `log` for one node; the cache is that node's own. */
export function createWriter(log: ServerLog, cache: CommitCache, now: () => number): Writer {
  const remember = (written: readonly LogRecord[]): void => {
    for (const { id, stream, revision } of written) cache.put(id, { stream, revision });
  };
  const check = (stream: string, expected: Expected, ids: readonly string[]): Verdict =>
    checkCommit({ log, cache, now: now() }, stream, expected, ids);

  const append: Writer['append'] = (stream, expected, events) => {
    const verdict = check(
      stream,
      expected,
      events.map(({ id }) => id),
    );
    if (verdict.kind === 'repeat') return { ...verdict, kind: 'success', repeated: true };
    if (verdict.kind !== 'ok') return verdict;
    const original = stream.startsWith(METADATA_PREFIX) ? stream.slice(METADATA_PREFIX.length) : null;
    const revives = original !== null && isSoftDeleted(log, original);
    const written = log.write(stream, events);
    remember(written);
    if (verdict.softDeleted) undelete(log, stream, verdict.current + 1n);
    if (revives) undelete(log, original, log.lastRevision(original) + 1n);
    const last = written.at(-1);
    return {
      kind: 'success',
      revision: last?.revision ?? verdict.current,
      position: last?.position ?? null,
      repeated: false,
    };
  };

  const remove = (stream: string, expected: Expected, write: (id: string) => LogRecord | undefined) => {
    const id = randomUUID();
    const verdict = check(stream, expected, [id]);
    if (verdict.kind === 'conflict' || verdict.kind === 'deleted') return verdict;
    const record = write(id);
    if (record === undefined) return { kind: 'conflict', current: -1n } as const;
    return {
      kind: 'success',
      revision: record.revision,
      position: record.position,
      repeated: false,
    } as const;
  };

  return {
    append,
    delete: (stream, expected) =>
      remove(stream, expected, () => {
        const metadataStream = METADATA_PREFIX + stream;
        const unknown = log.lastRevision(stream) < 0n && log.lastRevision(metadataStream) < 0n;
        if (unknown) return undefined;
        return log.write(metadataStream, [systemEvent('$metadata', SOFT_DELETED_METADATA)]).at(-1);
      }),
    tombstone: (stream, expected) => remove(stream, expected, (id) => log.tombstone(stream, id)),
  };
}
