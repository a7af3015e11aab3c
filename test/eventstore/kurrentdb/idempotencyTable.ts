import type { AppendExpectedRevision } from '@eventstore/db-client';

/** Makes the state that an append meets. Events are single letters; each is one id. */
export type Step =
  | { readonly append: string; readonly expected?: AppendExpectedRevision | 'any' }
  | { readonly metadata: { readonly maxCount?: number; readonly truncateBefore?: number } }
  | { readonly elsewhere: string }
  | 'delete'
  | 'tombstone'
  | 'forget the commit cache'
  | 'replication stalls';

/** What is to be answered. A success names its revision and the letter whose position it gives, null where it gives a new one. */
export type Told =
  | { readonly appended: bigint }
  | { readonly repeated: bigint; readonly positionOf: string }
  | { readonly conflict: bigint | 'no_stream' }
  | 'deleted'
  | 'timeout'
  | { readonly checked: bigint };

export type Row = {
  readonly name: string;
  readonly given: readonly Step[];
  readonly expected: AppendExpectedRevision | 'any';
  readonly append: string;
  readonly told: Told;
  /** Letters that a read of the stream shows afterwards; null where the stream is deleted. */
  readonly stream: string | null;
};

const ab: Step = { append: 'ab', expected: 'no_stream' };
const abc: Step = { append: 'abc', expected: 'no_stream' };
const forget = 'forget the commit cache';

const deleted: Row[] = (['any', 'stream_exists', 'no_stream', 1n] as const).map((expected) => ({
  name: `${expected} on a tombstoned stream: deleted`,
  given: [ab, 'tombstone'],
  expected,
  append: 'x',
  told: 'deleted',
  stream: null,
}));

const byCache: Row[] = (['any', 'stream_exists'] as const).flatMap((expected): Row[] => [
  {
    name: `${expected}, first id new: appended`,
    given: [ab],
    expected,
    append: 'c',
    told: { appended: 2n },
    stream: 'abc',
  },
  {
    name: `${expected}, first id not in the cache: all appended, duplicates too`,
    given: [ab, forget],
    expected,
    append: 'ab',
    told: { appended: 3n },
    stream: 'abab',
  },
  {
    name: `${expected}, first id new, a later one old: all appended, duplicates too`,
    given: [ab],
    expected,
    append: 'ca',
    told: { appended: 3n },
    stream: 'abca',
  },
  {
    name: `${expected}, first id in the cache, a later one not: conflict`,
    given: [ab],
    expected,
    append: 'ac',
    told: { conflict: 1n },
    stream: 'ab',
  },
  {
    name: `${expected}, all in the cache: repeat, with the last id's revision and not the stream's`,
    given: [abc],
    expected,
    append: 'ab',
    told: { repeated: 1n, positionOf: 'b' },
    stream: 'abc',
  },
  {
    name: `${expected}, all in the cache in another order: repeat`,
    given: [abc],
    expected,
    append: 'ba',
    told: { repeated: 0n, positionOf: 'a' },
    stream: 'abc',
  },
  {
    name: `${expected}, all in the cache with a gap: repeat`,
    given: [abc],
    expected,
    append: 'ac',
    told: { repeated: 2n, positionOf: 'c' },
    stream: 'abc',
  },
  {
    name: `${expected}, ids known from another stream only: appended`,
    given: [{ append: 'z' }, { elsewhere: 'a' }],
    expected,
    append: 'a',
    told: { appended: 1n },
    stream: 'za',
  },
]);

const streamExists: Row[] = [
  {
    name: 'stream_exists on a soft-deleted stream: deleted',
    given: [ab, 'delete'],
    expected: 'stream_exists',
    append: 'c',
    told: 'deleted',
    stream: '',
  },
  {
    name: 'stream_exists on nothing at all: conflict',
    given: [],
    expected: 'stream_exists',
    append: 'a',
    told: { conflict: 'no_stream' },
    stream: '',
  },
  {
    name: 'stream_exists on a stream with metadata only: appended',
    given: [{ metadata: { maxCount: 9 } }],
    expected: 'stream_exists',
    append: 'a',
    told: { appended: 0n },
    stream: 'a',
  },
];

const byRevision: Row[] = [
  {
    name: 'revision ahead of the stream: conflict',
    given: [ab],
    expected: 5n,
    append: 'c',
    told: { conflict: 1n },
    stream: 'ab',
  },
  {
    name: 'revision of a stream that is not there: conflict',
    given: [],
    expected: 0n,
    append: 'a',
    told: { conflict: 'no_stream' },
    stream: '',
  },
  {
    name: 'revision equal: appended',
    given: [ab],
    expected: 1n,
    append: 'c',
    told: { appended: 2n },
    stream: 'abc',
  },
  {
    name: 'no_stream on nothing: appended',
    given: [],
    expected: 'no_stream',
    append: 'ab',
    told: { appended: 1n },
    stream: 'ab',
  },
  {
    name: 'revision equal, ids never looked at: appended, duplicates too',
    given: [ab],
    expected: 1n,
    append: 'ab',
    told: { appended: 3n },
    stream: 'abab',
  },
  {
    name: 'no_stream behind, all ids in place: repeat',
    given: [ab, { append: 'cd' }],
    expected: 'no_stream',
    append: 'ab',
    told: { repeated: 1n, positionOf: 'b' },
    stream: 'abcd',
  },
  {
    name: 'revision behind, all ids in place: repeat',
    given: [ab, { append: 'cd' }],
    expected: 0n,
    append: 'bc',
    told: { repeated: 2n, positionOf: 'c' },
    stream: 'abcd',
  },
  {
    name: 'no_stream behind, a prefix of the original: repeat',
    given: [ab],
    expected: 'no_stream',
    append: 'a',
    told: { repeated: 0n, positionOf: 'a' },
    stream: 'ab',
  },
  {
    name: 'no_stream behind, all in place, cache forgotten: repeat from the log',
    given: [ab, forget],
    expected: 'no_stream',
    append: 'ab',
    told: { repeated: 1n, positionOf: 'b' },
    stream: 'ab',
  },
  {
    name: 'no_stream behind, first id differs: conflict',
    given: [ab],
    expected: 'no_stream',
    append: 'x',
    told: { conflict: 1n },
    stream: 'ab',
  },
  {
    name: 'revision behind, first id differs: conflict',
    given: [abc],
    expected: 0n,
    append: 'x',
    told: { conflict: 2n },
    stream: 'abc',
  },
  {
    name: 'no_stream on a soft-deleted stream, first id differs: appended, numbering continues',
    given: [ab, 'delete'],
    expected: 'no_stream',
    append: 'x',
    told: { appended: 2n },
    stream: 'x',
  },
  {
    name: 'revision behind, a later id differs: conflict',
    given: [abc],
    expected: 'no_stream',
    append: 'ax',
    told: { conflict: 2n },
    stream: 'abc',
  },
  {
    name: 'revision behind, runs past the end: conflict',
    given: [ab],
    expected: 'no_stream',
    append: 'abc',
    told: { conflict: 1n },
    stream: 'ab',
  },
];

const notReplicated: Row[] = [
  {
    name: 'repeat, original not replicated yet (by revision): timeout',
    given: [ab, 'replication stalls'],
    expected: 'no_stream',
    append: 'ab',
    told: 'timeout',
    stream: 'ab',
  },
  {
    name: 'repeat, original not replicated yet (by id): timeout',
    given: [ab, 'replication stalls'],
    expected: 'any',
    append: 'ab',
    told: 'timeout',
    stream: 'ab',
  },
];

const noEvents: Row[] = [
  {
    name: 'no events, any: ok',
    given: [ab],
    expected: 'any',
    append: '',
    told: { checked: 1n },
    stream: 'ab',
  },
  {
    name: 'no events, revision equal: ok',
    given: [ab],
    expected: 1n,
    append: '',
    told: { checked: 1n },
    stream: 'ab',
  },
  {
    name: 'no events, revision behind: conflict',
    given: [ab],
    expected: 'no_stream',
    append: '',
    told: { conflict: 1n },
    stream: 'ab',
  },
  {
    name: 'no events, revision ahead: conflict',
    given: [ab],
    expected: 7n,
    append: '',
    told: { conflict: 1n },
    stream: 'ab',
  },
];

/** The server's idempotency rules, line by line; the source is IndexWriter.CheckCommit of the servers 23.10 to 26.1. */
export const idempotencyTable: readonly Row[] = [
  ...deleted,
  ...streamExists,
  ...byCache,
  ...byRevision,
  ...notReplicated,
  ...noEvents,
];

/** Whether a row needs what only the protocol test server can do. */
export const needsDouble = (row: Row): boolean =>
  row.given.includes(forget) || row.given.includes('replication stalls');
