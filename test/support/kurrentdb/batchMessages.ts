/**
 * Part of the protocol test server: a test double in memory, not a database. Answers on the batch stream: errors travel as
 * a google.rpc.Status with an Any inside, and the empty message is Google's, not EventStore's.
 */
import type code from '@eventstore/db-client/generated/code_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import rpc from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { status } from '@grpc/grpc-js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import type { Expected } from './commitCheck.ts';
import type { Refusal } from './faults.ts';
import { streamIdentifier } from './messages.ts';
import type { WriteResult } from './writer.ts';

const nothing = (): empty.Empty => new empty.Empty();
const MARK = '[protocol test server, not a database]';

function rpcStatus(gives: status, name: string, details: Uint8Array, text = name): rpc.Status {
  const packed = new any.Any();
  packed.pack(details, name);
  // google.rpc.Code and the statuses of gRPC are the same numbers.
  const numbered: number = gives;
  return new rpc.Status()
    .setCode(numbered as code.Code)
    .setMessage(`${text} ${MARK}`)
    .setDetails(packed);
}

/** The server's refusal of one append. */
export function refusalStatus(reason: Refusal, maxAppendSize: number): rpc.Status {
  switch (reason) {
    case 'timeout':
      return rpcStatus(
        status.DEADLINE_EXCEEDED,
        'event_store.client.Timeout',
        new shared.Timeout().serializeBinary(),
      );
    case 'accessDenied':
      return rpcStatus(
        status.PERMISSION_DENIED,
        'event_store.client.AccessDenied',
        new shared.AccessDenied().serializeBinary(),
      );
    case 'unknown':
      return rpcStatus(status.UNKNOWN, 'event_store.client.Unknown', new shared.Unknown().serializeBinary());
    case 'badRequest':
      return rpcStatus(
        status.INVALID_ARGUMENT,
        'event_store.client.BadRequest',
        new shared.BadRequest().setMessage('bad request').serializeBinary(),
      );
    case 'notReady':
      return rpcStatus(
        status.OK,
        'google.protobuf.Empty',
        nothing().serializeBinary(),
        'Server Is Not Ready',
      );
    case 'maximumAppendSizeExceeded':
      return rpcStatus(
        status.INVALID_ARGUMENT,
        'event_store.client.MaximumAppendSizeExceeded',
        new shared.MaximumAppendSizeExceeded().setMaxappendsize(maxAppendSize).serializeBinary(),
      );
    case 'maximumAppendEventSizeExceeded':
      // This client's stubs do not know the message: its bytes do not matter.
      return rpcStatus(
        status.INVALID_ARGUMENT,
        'event_store.client.MaximumAppendEventSizeExceeded',
        new Uint8Array(),
      );
  }
}

/** What became of one append, without its correlation id. */
export function resultResponse(
  stream: string,
  expected: Expected,
  result: WriteResult,
): streams.BatchAppendResp {
  const response = new streams.BatchAppendResp();
  switch (result.kind) {
    case 'success':
      return response.setSuccess(success(result.revision, result.position));
    case 'conflict':
      return response.setError(
        rpcStatus(
          status.ALREADY_EXISTS,
          'event_store.client.WrongExpectedVersion',
          conflict(expected, result.current).serializeBinary(),
        ),
      );
    case 'deleted':
      return response.setError(
        rpcStatus(
          status.NOT_FOUND,
          'event_store.client.StreamDeleted',
          new shared.StreamDeleted().setStreamIdentifier(streamIdentifier(stream)).serializeBinary(),
        ),
      );
  }
}

function success(revision: bigint, at: bigint | null): streams.BatchAppendResp.Success {
  const message = new streams.BatchAppendResp.Success();
  if (revision < 0n) message.setNoStream(nothing());
  else message.setCurrentRevision(String(revision));
  if (at === null) return message.setNoPosition(nothing());
  return message.setPosition(
    new shared.AllStreamPosition().setCommitPosition(String(at)).setPreparePosition(String(at)),
  );
}

function conflict(expected: Expected, current: bigint): shared.WrongExpectedVersion {
  const message = new shared.WrongExpectedVersion();
  if (current < 0n) message.setCurrentNoStream(nothing());
  else message.setCurrentStreamRevision(String(current));
  switch (expected) {
    case 'any':
      return message.setExpectedAny(nothing());
    case 'no_stream':
      return message.setExpectedNoStream(nothing());
    case 'stream_exists':
      return message.setExpectedStreamExists(nothing());
    default:
      return message.setExpectedStreamPosition(String(expected));
  }
}
