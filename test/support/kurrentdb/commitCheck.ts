/**
 * Part of the protocol test server: a test double in memory, not a database. The server's decision about one write:
 * whether it is written, is a repeat, or conflicts. Event ids are compared within the stream only.
 */
import type { CommitCache } from './commitCache.ts';
import { type ServerLog, TOMBSTONE_REVISION } from './log.ts';
import { firstVisible, isSoftDeleted, METADATA_PREFIX } from './metadata.ts';

/** What a client expects of the stream: a revision, or one of the three words. */
export type Expected = bigint | 'any' | 'no_stream' | 'stream_exists';

export type Verdict =
  /** `current` is the stream's last revision, -1 where there is none. */
  | { readonly kind: 'ok'; readonly current: bigint; readonly softDeleted: boolean }
  /** The same write was committed before. Position null: the event is there but truncated away. */
  | { readonly kind: 'repeat'; readonly revision: bigint; readonly position: bigint | null }
  | { readonly kind: 'conflict'; readonly current: bigint }
  | { readonly kind: 'deleted' };

type State = { readonly log: ServerLog; readonly cache: CommitCache; readonly now: number };

/** Decides about a write of `ids` to `stream`. */
export function checkCommit(
  state: State,
  stream: string,
  expected: Expected,
  ids: readonly string[],
): Verdict {
  const { log } = state;
  const current = log.lastRevision(stream);
  if (current === TOMBSTONE_REVISION) return { kind: 'deleted' };
  if (expected === 'stream_exists') {
    if (isSoftDeleted(log, stream)) return { kind: 'deleted' };
    const known = current >= 0n || log.lastRevision(METADATA_PREFIX + stream) >= 0n;
    if (!known) return { kind: 'conflict', current };
  }
  if (expected === 'any' || expected === 'stream_exists') return checkByIds(state, stream, current, ids);
  return checkByRevision(state, stream, current, expected === 'no_stream' ? -1n : expected, ids);
}

/** Without a revision only the cache of recent commits knows a repeat: order and contiguity are not looked at. */
function checkByIds(state: State, stream: string, current: bigint, ids: readonly string[]): Verdict {
  const found = ids.map((id) => state.cache.find(id, stream));
  if (found[0] === undefined) return ok(state, stream, current);
  const last = found.at(-1);
  if (last === undefined || found.includes(undefined)) return { kind: 'conflict', current };
  return repeat(state, stream, last.revision);
}

/** With a revision the log itself knows a repeat: each id must be exactly where the first attempt would have put it. */
function checkByRevision(
  state: State,
  stream: string,
  current: bigint,
  expected: bigint,
  ids: readonly string[],
): Verdict {
  if (expected > current) return { kind: 'conflict', current };
  if (expected === current) return ok(state, stream, current);
  const rows = state.log.stream(stream);
  const mismatch = ids.findIndex((id, offset) => rows[Number(expected) + 1 + offset]?.id !== id);
  if (mismatch === 0 && expected === -1n && isSoftDeleted(state.log, stream)) {
    return ok(state, stream, current);
  }
  if (ids.length === 0 || mismatch !== -1) return { kind: 'conflict', current };
  return repeat(state, stream, expected + BigInt(ids.length));
}

function ok(state: State, stream: string, current: bigint): Verdict {
  return { kind: 'ok', current, softDeleted: isSoftDeleted(state.log, stream) };
}

function repeat(state: State, stream: string, revision: bigint): Verdict {
  const visible = Number(revision) >= firstVisible(state.log, stream, state.now);
  const position = visible ? state.log.stream(stream)[Number(revision)]?.position : undefined;
  return { kind: 'repeat', revision, position: position ?? null };
}
