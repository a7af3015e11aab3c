import type { AppendExpectedRevision } from '@eventstore/db-client';

export type Expected = AppendExpectedRevision | 'any';

/** What an append answers; the letter of `repeat` is the event whose position it gives again. */
export type Told =
  | { readonly kind: 'appended' | 'checked'; readonly revision: bigint }
  | { readonly kind: 'repeat'; readonly revision: bigint; readonly positionOf: string }
  | { readonly kind: 'conflict'; readonly actual: bigint | 'no_stream' }
  | { readonly kind: 'deleted' | 'timeout' };

export type Row = {
  readonly name: string;
  /** Steps that make the state the append meets: letters are appended, each letter is one event id. */
  readonly given: readonly string[];
  readonly expected: Expected;
  readonly append: string;
  readonly told: Told;
  /** Letters that a read of the stream shows afterwards; null where it is gone for good. */
  readonly stream: string | null;
};

/**
 * The server's idempotency rules, line by line; their source is IndexWriter.CheckCommit of the servers 23.10 to 26.1.
 * Columns: given | expected (each of them) | append | answer | stream afterwards | rule.
 */
const TABLE = `
ab tombstone   | any stream_exists no_stream 1 | x | deleted | gone | tombstoned
ab delete      | stream_exists     | c   | deleted            | -    | soft-deleted
-              | stream_exists     | a   | conflict no_stream | -    | nothing at all
metadata       | stream_exists     | a   | appended 0         | a    | metadata only
ab             | any stream_exists | c   | appended 2         | abc  | first id new
ab forget      | any stream_exists | ab  | appended 3         | abab | first id not in the cache: all, duplicates too
ab             | any stream_exists | ca  | appended 3         | abca | first id new, a later one old: all, duplicates too
ab             | any stream_exists | ac  | conflict 1         | ab   | first id in the cache, a later one not
abc            | any stream_exists | ab  | repeat 1 b         | abc  | all in the cache: the last id's revision, not the stream's
abc            | any stream_exists | ba  | repeat 0 a         | abc  | all in the cache, in another order
abc            | any stream_exists | ac  | repeat 2 c         | abc  | all in the cache, with a gap
z elsewhere    | any stream_exists | a   | appended 1         | za   | id known from another stream only
ab             | 5                 | c   | conflict 1         | ab   | revision ahead of the stream
-              | 0                 | a   | conflict no_stream | -    | revision of a stream that is not there
ab             | 1                 | c   | appended 2         | abc  | revision equal
-              | no_stream         | ab  | appended 1         | ab   | nothing there
ab             | 1                 | ab  | appended 3         | abab | revision equal, ids never looked at: duplicates too
ab cd          | no_stream         | ab  | repeat 1 b         | abcd | revision behind, all ids in place
ab cd          | 0                 | bc  | repeat 2 c         | abcd | revision behind, all ids in place, of two appends
ab             | no_stream         | a   | repeat 0 a         | ab   | revision behind, a prefix of the original
ab forget      | no_stream         | ab  | repeat 1 b         | ab   | revision behind, all ids in place: the log knows
ab             | no_stream         | x   | conflict 1         | ab   | revision behind, first id differs
abc            | 0                 | x   | conflict 2         | abc  | revision behind, first id differs
ab delete      | no_stream         | x   | appended 2         | x    | soft-deleted, first id differs: numbering continues
abc            | no_stream         | ax  | conflict 2         | abc  | revision behind, a later id differs
ab             | no_stream         | abc | conflict 1         | ab   | revision behind, runs past the end
ab unreplicated | no_stream any    | ab  | timeout            | ab   | repeat, its original is not replicated yet
ab             | any 1             | -   | checked 1          | ab   | no events, check passes
ab             | no_stream 7       | -   | conflict 1         | ab   | no events, check fails
`;

/** One row for each expectation of each line. */
export const idempotencyTable: readonly Row[] = TABLE.trim().split('\n').flatMap(rowsOf);

/** Whether a row needs what only the protocol test server can do. */
export const needsDouble = ({ given }: Row): boolean =>
  given.includes('forget') || given.includes('unreplicated');

function rowsOf(line: string): Row[] {
  const [given = '', expectations = '', append = '', told = '', stream = '', rule = ''] = line
    .split('|')
    .map((cell) => cell.trim());
  return expectations.split(' ').map((expected) => ({
    name: `${rule} (${given}; expecting ${expected}; append ${append}): ${told}`,
    given: given === '-' ? [] : given.split(' '),
    expected: expectedOf(expected),
    append: append === '-' ? '' : append,
    told: toldOf(told),
    stream: stream === 'gone' ? null : stream.replace('-', ''),
  }));
}

function expectedOf(word: string): Expected {
  return word === 'any' || word === 'stream_exists' || word === 'no_stream' ? word : BigInt(word);
}

function toldOf(cell: string): Told {
  const [kind = '', revision = '', positionOf = ''] = cell.split(' ');
  switch (kind) {
    case 'appended':
    case 'checked':
      return { kind, revision: BigInt(revision) };
    case 'repeat':
      return { kind, revision: BigInt(revision), positionOf };
    case 'conflict':
      return { kind, actual: revision === 'no_stream' ? revision : BigInt(revision) };
    case 'deleted':
    case 'timeout':
      return { kind };
    default:
      throw new Error(`the table has an unknown answer: ${cell}`);
  }
}
