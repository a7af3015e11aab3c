/** Part of the protocol test server: a test double in memory, not a database. Its errors, as trailers of a gRPC call. */
import { Metadata, type ServerErrorResponse, status } from '@grpc/grpc-js';
import type { Expected } from './commitCheck.ts';
import type { Refusal } from './faults.ts';

/** A gRPC error with trailers; its text says where it comes from. */
export function grpcError(
  code: status,
  text: string,
  trailers: Record<string, string> = {},
): ServerErrorResponse {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  const details = `${text} [protocol test server, not a database]`;
  return Object.assign(new Error(details), { code, details, metadata });
}

/** The stream has a tombstone. */
export const streamDeleted = (stream: string): ServerErrorResponse =>
  grpcError(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  });

/** This node is not the leader; the trailers say who is. */
export const notLeader = (leader: { address: string; port: number }): ServerErrorResponse =>
  grpcError(status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': leader.address,
    'leader-endpoint-port': String(leader.port),
  });

const EXPECTED_NUMBERS = { any: -2n, no_stream: -1n, stream_exists: -4n } as const;

/** The number by which trailers name what was expected. */
const expectedNumber = (expected: Expected): bigint =>
  typeof expected === 'bigint' ? expected : EXPECTED_NUMBERS[expected];

/** A delete or tombstone that expected another revision; an append tells this in its answer instead. */
export const wrongExpectedVersion = (
  operation: 'Delete' | 'Tombstone',
  stream: string,
  expected: Expected,
  current: bigint,
): ServerErrorResponse =>
  grpcError(status.FAILED_PRECONDITION, `${operation} failed due to WrongExpectedVersion.`, {
    exception: 'wrong-expected-version',
    'stream-name': stream,
    'expected-version': String(expectedNumber(expected)),
    'actual-version': String(current),
  });

/** No record starts at the position asked for. */
export const invalidPosition = (): ServerErrorResponse =>
  grpcError(status.INVALID_ARGUMENT, 'invalid position');

/** How an append outside the batch stream, a delete or a tombstone is refused. */
export function refusalError(reason: Refusal, maxAppendSize: number): ServerErrorResponse {
  switch (reason) {
    case 'timeout':
      return grpcError(status.ABORTED, 'Operation timed out');
    case 'accessDenied':
      return grpcError(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });
    case 'unknown':
      return grpcError(status.UNKNOWN, 'Unexpected OperationResult');
    case 'badRequest':
      return grpcError(status.INVALID_ARGUMENT, 'Bad request');
    case 'notReady':
      return grpcError(status.UNAVAILABLE, 'Server Is Not Ready');
    case 'maximumAppendSizeExceeded':
      return grpcError(status.INVALID_ARGUMENT, `Maximum Append Size of ${maxAppendSize} Exceeded.`, {
        exception: 'maximum-append-size-exceeded',
        'maximum-append-size': String(maxAppendSize),
      });
    case 'maximumAppendEventSizeExceeded':
      return grpcError(status.INVALID_ARGUMENT, 'Maximum Append Event Size Exceeded.', {
        exception: 'maximum-append-event-size-exceeded',
      });
  }
}
