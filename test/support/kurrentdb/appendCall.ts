/** Part of the protocol test server: a test double in memory, not a database. The classic append: one call an append. */

import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerReadableStream, sendUnaryData } from '@grpc/grpc-js';
import { sizeRefusal } from './appendSize.ts';
import type { Expected } from './commitCheck.ts';
import { refusalError, streamDeleted } from './errors.ts';
import type { ProposedEvent } from './log.ts';
import { expectedRevision, nothing, proposedEvent, streamName } from './messages.ts';
import type { Node } from './node.ts';
import { performWrite } from './performWrite.ts';
import type { WriteResult } from './writer.ts';

type AppendCall = ServerReadableStream<streams.AppendReq, streams.AppendResp>;
type Reply = sendUnaryData<streams.AppendResp>;

/** Answers `Streams/Append`: options first, then one message an event. */
export function handleAppend(node: Node, call: AppendCall, reply: Reply): void {
  let stream = '';
  let expected: Expected = 'any';
  const events: ProposedEvent[] = [];
  call.on('data', (request: streams.AppendReq) => {
    const options = request.getOptions();
    const message = request.getProposedMessage();
    if (options !== undefined) {
      stream = streamName(options.getStreamIdentifier());
      expected = expectedRevision(options);
    }
    if (message !== undefined) events.push(proposedEvent(message));
  });
  call.on('error', () => undefined);
  call.on('end', () => void answer(node, call, reply, stream, expected, events));
}

async function answer(
  node: Node,
  call: AppendCall,
  reply: Reply,
  stream: string,
  expected: Expected,
  events: readonly ProposedEvent[],
): Promise<void> {
  const eventIds = events.map(({ id }) => id);
  const fault = node.arrive({ method: 'append', stream, eventIds }, call.metadata);
  const tooLarge = sizeRefusal(node, events);
  if (tooLarge !== null) return reply(refusalError(tooLarge, node.maxAppendSize));
  const told = await performWrite(node, fault, () => node.writer().append(stream, expected, events));
  switch (told.kind) {
    case 'result':
      return sendResult(reply, stream, expected, told.result);
    case 'refusal':
      return reply(refusalError(told.reason, node.maxAppendSize));
    case 'error':
      return reply(told.error);
    case 'halfClose':
      return reply(null, null);
    case 'silence':
      return;
  }
}

function sendResult(reply: Reply, stream: string, expected: Expected, result: WriteResult): void {
  const response = new streams.AppendResp();
  switch (result.kind) {
    case 'deleted':
      reply(streamDeleted(stream));
      break;
    case 'conflict':
      // Not an error but one way of answering.
      reply(null, response.setWrongExpectedVersion(conflict(expected, result.current)));
      break;
    case 'success':
      reply(null, response.setSuccess(success(result.revision, result.position)));
  }
}

function success(revision: bigint, at: bigint | null): streams.AppendResp.Success {
  const message = new streams.AppendResp.Success();
  if (revision < 0n) message.setNoStream(nothing());
  else message.setCurrentRevision(String(revision));
  if (at === null) return message.setNoPosition(nothing());
  return message.setPosition(
    new streams.AppendResp.Position().setCommitPosition(String(at)).setPreparePosition(String(at)),
  );
}

function conflict(expected: Expected, current: bigint): streams.AppendResp.WrongExpectedVersion {
  const message = new streams.AppendResp.WrongExpectedVersion();
  if (current < 0n) message.setCurrentNoStream(nothing());
  else message.setCurrentRevision(String(current));
  switch (expected) {
    case 'any':
      return message.setExpectedAny(nothing());
    case 'no_stream':
      return message.setExpectedNoStream(nothing());
    case 'stream_exists':
      return message.setExpectedStreamExists(nothing());
    default:
      return message.setExpectedRevision(String(expected));
  }
}
