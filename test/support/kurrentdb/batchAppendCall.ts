/** Part of the protocol test server: a test double in memory, not a database. The batch stream: many appends, one call. */
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerDuplexStream, ServerErrorResponse } from '@grpc/grpc-js';
import { sizeRefusal } from './appendSize.ts';
import { refusalStatus, resultResponse } from './batchMessages.ts';
import type { Expected } from './commitCheck.ts';
import type { Refusal } from './faults.ts';
import type { ProposedEvent } from './log.ts';
import { proposedEvent, streamIdentifier, streamName } from './messages.ts';
import type { Node } from './node.ts';
import { performWrite } from './performWrite.ts';

type BatchCall = ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>;

/** An append whose parts are still coming. */
type Pending = {
  readonly stream: string;
  readonly expected: Expected;
  readonly deadline: number;
  readonly events: ProposedEvent[];
};

/** The answers' way back, closed once. */
type Replies = {
  readonly send: (request: streams.BatchAppendReq, response: streams.BatchAppendResp) => void;
  readonly end: (error: ServerErrorResponse | null) => void;
};

/** Answers `Streams/BatchAppend` until its client or a fault ends the stream. */
export function handleBatchAppend(node: Node, call: BatchCall): void {
  const pending = new Map<string, Pending>();
  const replies = createReplies(node, call);
  let answering = 0;
  let ended = false;
  call.on('data', async (request: streams.BatchAppendReq) => {
    answering += 1;
    await receive(node, call, replies, pending, request);
    answering -= 1;
    if (ended && answering === 0) replies.end(null);
  });
  call.on('end', () => {
    ended = true;
    if (answering === 0) replies.end(null);
  });
}

function createReplies(node: Node, call: BatchCall): Replies {
  let open = true;
  const close = (): void => {
    if (open) node.open.batches -= 1;
    open = false;
    node.events.off('endBatches', end);
  };
  const end: Replies['end'] = (error) => {
    if (!open) return;
    close();
    if (error === null) call.end();
    else call.emit('error', error);
  };
  node.open.batches += 1;
  node.events.on('endBatches', end);
  call.on('cancelled', close);
  call.on('error', close);
  return {
    send: (request, response) => {
      if (open) call.write(response.setCorrelationId(request.getCorrelationId()));
    },
    end,
  };
}

async function receive(
  node: Node,
  call: BatchCall,
  replies: Replies,
  pending: Map<string, Pending>,
  request: streams.BatchAppendReq,
): Promise<void> {
  const id = request.getCorrelationId()?.getString() ?? '';
  const options = request.getOptions();
  if (options !== undefined && !pending.has(id)) pending.set(id, begin(options));
  const append = pending.get(id);
  if (append === undefined) return;
  append.events.push(...request.getProposedMessagesList().map(proposedEvent));
  const refuse = (reason: Refusal): void => {
    pending.delete(id);
    const response = new streams.BatchAppendResp().setError(refusalStatus(reason, node.maxAppendSize));
    replies.send(request, response.setStreamIdentifier(streamIdentifier(append.stream)));
  };
  const tooLarge = sizeRefusal(node, append.events);
  if (tooLarge !== null) return refuse(tooLarge);
  if (append.deadline <= node.now()) return refuse('timeout');
  if (!request.getIsFinal()) return;
  pending.delete(id);
  await answer(node, call, replies, request, append, refuse);
}

async function answer(
  node: Node,
  call: BatchCall,
  replies: Replies,
  request: streams.BatchAppendReq,
  append: Pending,
  refuse: (reason: Refusal) => void,
): Promise<void> {
  const { stream, expected, events } = append;
  const eventIds = events.map(({ id }) => id);
  const fault = node.arrive({ method: 'batchAppend', stream, eventIds }, call.metadata);
  const told = await performWrite(node, fault, () => node.writer().append(stream, expected, events));
  switch (told.kind) {
    case 'result': {
      const response = resultResponse(stream, expected, told.result);
      return replies.send(request, response.setStreamIdentifier(streamIdentifier(stream)));
    }
    case 'refusal':
      return refuse(told.reason);
    case 'error':
      return replies.end(told.error);
    case 'halfClose':
      return replies.end(null);
    case 'silence':
      return;
  }
}

function begin(options: streams.BatchAppendReq.Options): Pending {
  return {
    stream: streamName(options.getStreamIdentifier()),
    expected: expectedOf(options),
    deadline: options.getDeadline()?.toDate().getTime() ?? Number.POSITIVE_INFINITY,
    events: [],
  };
}

function expectedOf(options: streams.BatchAppendReq.Options): Expected {
  if (options.hasStreamPosition()) return BigInt(options.getStreamPosition());
  if (options.hasNoStream()) return 'no_stream';
  return options.hasStreamExists() ? 'stream_exists' : 'any';
}
