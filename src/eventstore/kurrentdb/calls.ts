import shared from '@eventstore/db-client/generated/shared_pb.js';
import type {
  BatchAppendReq,
  BatchAppendResp,
  ReadReq,
  ReadResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import { NO_STREAM, type ReadEvent } from '../port.ts';
import type { Begin } from './connection.ts';
import { answeredFailure } from './failures.ts';
import type { Place } from './requests.ts';

/** What the server says to an append. `position` is that of the last event; null where the server does not tell. */
export type AppendAnswer =
  | { readonly kind: 'appended'; readonly position: bigint | null }
  | { readonly kind: 'wrong-revision'; readonly current: number };

/** An append: a call of its own, so that nothing but this append depends on it. */
export const beginAppend =
  (messages: readonly BatchAppendReq[]): Begin<AppendAnswer> =>
  (streams, args) => {
    const { promise, resolve, reject } = Promise.withResolvers<BatchAppendResp>();
    const call = streams.batchAppend(...args);
    call.on('data', (response: BatchAppendResp) => {
      resolve(response);
      call.end();
    });
    call.on('error', reject);
    call.on('end', () => reject(new Error('The server ended an append without an answer')));
    for (const message of messages) call.write(message);
    return { answer: promise.then(toAnswer), cancel: () => call.cancel() };
  };

const PACKAGE = 'event_store.client.';
const WRONG_REVISION = 'WrongExpectedVersion';

/** @throws Error with a gRPC status where the server refused */
function toAnswer(response: BatchAppendResp): AppendAnswer {
  const error = response.getError();
  if (!error) {
    const position = response.getSuccess()?.getPosition();
    return { kind: 'appended', position: position ? BigInt(position.getCommitPosition()) : null };
  }
  const details = error.getDetails();
  const reason = details?.getTypeName().replace(PACKAGE, '') ?? '';
  if (reason !== WRONG_REVISION) throw answeredFailure(error.getCode(), reason);
  const conflict = details?.unpack(shared.WrongExpectedVersion.deserializeBinary, PACKAGE + WRONG_REVISION);
  const current = conflict?.hasCurrentStreamRevision()
    ? Number(conflict.getCurrentStreamRevision())
    : NO_STREAM;
  return { kind: 'wrong-revision', current };
}

/** A read of a bounded number of events; none where the stream does not exist. */
export const beginRead =
  (request: ReadReq): Begin<ReadEvent[]> =>
  (streams, args) => {
    const { promise, resolve, reject } = Promise.withResolvers<ReadEvent[]>();
    const events: ReadEvent[] = [];
    const call = streams.read(request, ...args);
    call.on('data', (response: ReadResp) => {
      try {
        const read = toReadEvent(response);
        if (read) events.push(read.event);
      } catch (error) {
        reject(error);
      }
    });
    call.on('error', reject);
    call.on('end', () => resolve(events));
    return { answer: promise, cancel: () => call.cancel() };
  };

/** The largest position that a log can hold; above it stands the server's word for "not known". */
const LARGEST_POSITION = 2n ** 63n - 1n;

/**
 * The event in a response, with its place; null where the response holds no event.
 *
 * @throws Error where the server does not tell positions of stream events (before version 22.10)
 */
export function toReadEvent(response: ReadResp): { readonly event: ReadEvent; readonly place: Place } | null {
  const record = response.getEvent()?.getEvent();
  if (!record) return null;
  const commit = BigInt(record.getCommitPosition());
  if (commit > LARGEST_POSITION) {
    throw answeredFailure(FAILED_PRECONDITION, 'events without a position: the server is older than 22.10');
  }
  const event: ReadEvent = {
    id: record.getId()?.getString() ?? '',
    type: record.getMetadataMap().get('type') ?? '',
    data: text(record.getData_asU8()),
    metadata: text(record.getCustomMetadata_asU8()),
    stream: text(record.getStreamIdentifier()?.getStreamName_asU8() ?? new Uint8Array()),
    revision: Number(record.getStreamRevision()),
    position: commit,
  };
  return { event, place: { commit, prepare: BigInt(record.getPreparePosition()) } };
}

const FAILED_PRECONDITION = 9;

// ignoreBOM: a leading U+FEFF belongs to the text.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const text = (bytes: Uint8Array): string => decoder.decode(bytes);
