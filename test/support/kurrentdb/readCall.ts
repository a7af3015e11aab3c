/** Part of the protocol test server: a test double in memory, not a database. Reads of one stream and of all. */

import { setTimeout as sleep } from 'node:timers/promises';
import type streams from '@eventstore/db-client/generated/streams_pb.js';
import { status } from '@grpc/grpc-js';
import { grpcError, invalidPosition, streamDeleted } from './errors.ts';
import { type LogRecord, TOMBSTONE_REVISION } from './log.ts';
import { streamName, streamNotFound } from './messages.ts';
import { firstVisible, isSoftDeleted } from './metadata.ts';
import type { Node } from './node.ts';
import { isHiddenFromAll } from './seed.ts';
import { createSender, type ReadCall, type Sender } from './sender.ts';
import { subscribe } from './subscription.ts';

type Options = streams.ReadReq.Options;
const BACKWARDS = 1;

/** Answers `Streams/Read`: a bounded read, or a subscription. */
export function handleRead(node: Node, call: ReadCall): void {
  answer(node, call).catch((error: unknown) => call.emit('error', grpcError(status.UNKNOWN, String(error))));
}

async function answer(node: Node, call: ReadCall): Promise<void> {
  const options = call.request.getOptions();
  if (options === undefined) return;
  const name = options.hasAll() ? '$all' : streamName(options.getStream()?.getStreamIdentifier());
  const method = options.hasSubscription() ? 'subscribe' : 'read';
  const fault = node.arrive({ method, stream: name, eventIds: [] }, call.metadata);
  if (fault?.kind === 'delay') await sleep(fault.ms, undefined, { ref: false });
  const sender = createSender(node, call, fault);
  if (options.hasSubscription()) await subscribe(node, sender, options, name);
  else if (options.hasAll()) await readAll(node, sender, options);
  else await readStream(node, sender, options, name);
}

async function readStream(node: Node, sender: Sender, options: Options, name: string): Promise<void> {
  const { log } = node;
  if (log.lastRevision(name) === TOMBSTONE_REVISION) return sender.fail(streamDeleted(name));
  const rows = log.stream(name);
  if (rows.length === 0 || isSoftDeleted(log, name)) {
    await sender.message(streamNotFound(name));
    return sender.end();
  }
  const from = options.getStream();
  const last = rows.length - 1;
  const visible = firstVisible(log, name, node.now());
  if (options.getReadDirection() === BACKWARDS) {
    const start = from?.hasRevision() ? Math.min(Number(from.getRevision()), last) : last;
    await send(sender, rows, from?.hasStart() ? 0 : start, -1, visible, last, countOf(options));
  } else {
    const start = from?.hasEnd() ? rows.length : Number(from?.getRevision() || 0);
    await send(sender, rows, Math.max(start, visible), 1, visible, last, countOf(options));
  }
  sender.end();
}

async function readAll(node: Node, sender: Sender, options: Options): Promise<void> {
  const { log } = node;
  const from = options.getAll();
  const backwards = options.getReadDirection() === BACKWARDS;
  let start = from?.hasEnd() ? log.records.length : 0;
  if (from?.hasPosition()) {
    const position = BigInt(from.getPosition()?.getCommitPosition() ?? 0);
    start = position > log.end() && !backwards ? log.records.length : log.indexAt(position);
    if (start === -1) return sender.fail(invalidPosition());
  }
  const last = log.records.length - 1;
  const first = backwards ? start - 1 : start;
  await send(sender, log.records, first, backwards ? -1 : 1, 0, last, countOf(options), isShown);
  sender.end();
}

const isShown = (record: LogRecord): boolean => !isHiddenFromAll(record.stream);
const countOf = (options: Options): bigint => BigInt(options.getCount());

/** Sends up to `count` rows from `index` on, within `lowest` and `highest`: what is written meanwhile is not read. */
async function send(
  sender: Sender,
  rows: readonly LogRecord[],
  index: number,
  step: 1 | -1,
  lowest: number,
  highest: number,
  count: bigint,
  shows: (record: LogRecord) => boolean = () => true,
): Promise<void> {
  let left = count;
  for (let at = index; left > 0n && at >= lowest && at <= highest && sender.isOpen(); at += step) {
    const record = rows[at];
    if (record === undefined || !shows(record)) continue;
    await sender.event(record);
    left -= 1n;
  }
}
