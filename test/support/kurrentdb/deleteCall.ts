/** Part of the protocol test server: a test double in memory, not a database. Delete (soft) and tombstone (for good). */
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Metadata, ServerErrorResponse } from '@grpc/grpc-js';
import { refusalError, streamDeleted, wrongExpectedVersion } from './errors.ts';
import { expectedRevision, streamName } from './messages.ts';
import type { Node } from './node.ts';
import { performWrite } from './performWrite.ts';

type Options = streams.DeleteReq.Options | streams.TombstoneReq.Options;
/** Hears the position of what was written; null for a call that is never answered with one. */
type Reply = (error: ServerErrorResponse | null, position: bigint | null) => void;

/** Answers `Streams/Delete` and `Streams/Tombstone`; their errors travel as trailers. */
export async function handleRemoval(
  node: Node,
  method: 'delete' | 'tombstone',
  options: Options | undefined,
  headers: Metadata,
  reply: Reply,
): Promise<void> {
  const stream = streamName(options?.getStreamIdentifier());
  const expected = options === undefined ? 'any' : expectedRevision(options);
  const fault = node.arrive({ method, stream, eventIds: [] }, headers);
  const told = await performWrite(node, fault, () => node.writer()[method](stream, expected));
  if (told.kind === 'silence') return;
  if (told.kind === 'error') return reply(told.error, null);
  if (told.kind === 'refusal') return reply(refusalError(told.reason, node.maxAppendSize), null);
  if (told.kind === 'halfClose') return reply(null, null);
  switch (told.result.kind) {
    case 'deleted':
      return reply(streamDeleted(stream), null);
    case 'conflict': {
      const operation = method === 'delete' ? 'Delete' : 'Tombstone';
      return reply(wrongExpectedVersion(operation, stream, expected, told.result.current), null);
    }
    case 'success':
      return reply(null, told.result.position);
  }
}

/** Where the delete was written. */
export function deleteResponse(position: bigint): streams.DeleteResp {
  const at = String(position);
  return new streams.DeleteResp().setPosition(
    new streams.DeleteResp.Position().setCommitPosition(at).setPreparePosition(at),
  );
}

/** Where the tombstone was written. */
export function tombstoneResponse(position: bigint): streams.TombstoneResp {
  const at = String(position);
  return new streams.TombstoneResp().setPosition(
    new streams.TombstoneResp.Position().setCommitPosition(at).setPreparePosition(at),
  );
}
