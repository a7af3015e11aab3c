/** Part of the protocol test server: a test double in memory, not a database. What `$$stream` says of a stream. */
import { z } from 'zod';
import type { LogRecord, ServerLog } from './log.ts';
import { systemEvent } from './seed.ts';

export const METADATA_PREFIX = '$$';
/** `$tb` of a soft-deleted stream, as the JSON text has it: JavaScript's numbers cannot hold it. */
export const SOFT_DELETED_METADATA = '{"$tb":9223372036854775807}';

const SOFT_DELETED = Number(2n ** 63n - 1n);
const metadataSchema = z.looseObject({
  $tb: z.number().optional(),
  $maxCount: z.number().optional(),
  $maxAge: z.number().optional(),
});
type StreamMetadata = z.infer<typeof metadataSchema>;

const NO_METADATA: StreamMetadata = {};
const METASTREAM_METADATA: StreamMetadata = { $maxCount: 1 };
const MS = 1000;

/** The metadata in force; a metadata stream's own is that only its newest event counts. */
function streamMetadata(log: ServerLog, stream: string): StreamMetadata {
  if (stream.startsWith(METADATA_PREFIX)) return METASTREAM_METADATA;
  const newest = log.stream(METADATA_PREFIX + stream).at(-1);
  if (newest === undefined) return NO_METADATA;
  try {
    return metadataSchema.parse(JSON.parse(Buffer.from(newest.data).toString('utf8')));
  } catch {
    return NO_METADATA;
  }
}

/** Whether the stream was deleted, but not for good: its next append continues the numbering. */
export function isSoftDeleted(log: ServerLog, stream: string): boolean {
  return streamMetadata(log, stream).$tb === SOFT_DELETED;
}

/** Index of the first event of the stream that reads may show: `$tb`, `$maxCount` and `$maxAge` hide those before it. */
export function firstVisible(log: ServerLog, stream: string, now: number): number {
  const rows = log.stream(stream);
  const metadata = streamMetadata(log, stream);
  const byCount = metadata.$maxCount === undefined ? 0 : rows.length - metadata.$maxCount;
  const byAge = metadata.$maxAge === undefined ? 0 : youngerThan(rows, now - metadata.$maxAge * MS);
  return Math.max(0, metadata.$tb ?? 0, byCount, byAge);
}

function youngerThan(rows: readonly LogRecord[], created: number): number {
  const index = rows.findIndex((record) => record.created >= created);
  return index === -1 ? rows.length : index;
}

/** Lets a soft-deleted stream begin again at `from`, keeping the rest of its metadata. */
export function undelete(log: ServerLog, stream: string, from: bigint): void {
  const metadata = { ...streamMetadata(log, stream), $tb: Number(from) };
  log.write(METADATA_PREFIX + stream, [systemEvent('$metadata', JSON.stringify(metadata))]);
}
