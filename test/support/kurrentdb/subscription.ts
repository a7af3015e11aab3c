/** Part of the protocol test server: a test double in memory, not a database. Catch-up subscriptions. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerErrorResponse } from '@grpc/grpc-js';
import { invalidPosition, streamDeleted } from './errors.ts';
import { type Filter, filterOf } from './filter.ts';
import { type LogRecord, TOMBSTONE_REVISION } from './log.ts';
import { caughtUp, checkpoint, confirmation } from './messages.ts';
import { firstVisible } from './metadata.ts';
import type { Node } from './node.ts';
import { isHiddenFromAll } from './seed.ts';
import type { Sender } from './sender.ts';

type Options = streams.ReadReq.Options;

/** How many live events may wait for the reader before the server reads them from the log again. */
const LIVE_CHANNEL = 32;

type Start = {
  /** The rows subscribed to; they grow. */
  readonly rows: readonly LogRecord[];
  /** Index of the first row to look at. */
  readonly next: number;
  readonly shows: (record: LogRecord) => boolean;
  /** A subscription to one stream ends with an error when that stream is tombstoned. */
  readonly endsAtTombstone: boolean;
};

/** Serves a subscription until it is cancelled (a silenced one is left open, unserved): confirmation, what is there, `caughtUp`, what comes. */
export async function subscribe(node: Node, sender: Sender, options: Options, name: string): Promise<void> {
  if (!options.hasAll() && node.log.lastRevision(name) === TOMBSTONE_REVISION) {
    return sender.fail(streamDeleted(name));
  }
  const start = options.hasAll() ? startOfAll(node, options) : startOfStream(node, options, name);
  if (start === null) return sender.fail(invalidPosition());
  const end = (error: ServerErrorResponse | null): void =>
    error === null ? sender.end() : sender.fail(error);
  node.open.subscriptions += 1;
  node.events.on('endSubscriptions', end);
  await run(node, sender, start, filterOf(options)).finally(() => {
    node.open.subscriptions -= 1;
    node.events.off('endSubscriptions', end);
  });
}

async function run(node: Node, sender: Sender, start: Start, filter: Filter | null): Promise<void> {
  const { rows } = start;
  const closed = new AbortController();
  sender.onClose(() => closed.abort());
  const deliver = createDelivery(sender, start, filter);
  let { next } = start;
  const deliverNext = async (): Promise<void> => {
    const record = rows[next];
    next += 1;
    if (record !== undefined) await deliver.record(record);
  };

  await sender.message(confirmation(randomUUID()));
  while (sender.isOpen()) {
    const catchesUp = next < rows.length;
    while (next < rows.length && sender.isOpen()) await deliverNext();
    if (catchesUp) await deliver.checkpoint();
    await sender.message(caughtUp());
    while (sender.isOpen() && rows.length - next <= LIVE_CHANNEL) {
      if (next < rows.length) await deliverNext();
      else await once(node.log.changes, 'write', { signal: closed.signal }).catch(() => undefined);
    }
  }
}

type Delivery = {
  readonly record: (record: LogRecord) => Promise<void>;
  readonly checkpoint: () => Promise<void>;
};

function createDelivery(sender: Sender, start: Start, filter: Filter | null): Delivery {
  let considered = 0;
  let reached: bigint | null = null;
  let told: bigint | null = null;
  const sendCheckpoint = async (): Promise<void> => {
    if (filter === null || reached === null || reached === told) return;
    told = reached;
    await sender.message(checkpoint(reached));
  };
  return {
    record: async (record) => {
      if (!start.shows(record)) return;
      considered += 1;
      if (filter === null || filter.matches(record)) await sender.event(record);
      reached = record.position;
      if (filter !== null && considered % filter.checkpointInterval === 0) await sendCheckpoint();
      const isLast = start.endsAtTombstone && record.revision === TOMBSTONE_REVISION;
      if (isLast) sender.fail(streamDeleted(record.stream));
    },
    checkpoint: sendCheckpoint,
  };
}

/** From a position on, exclusive; a position past the end hides what comes until there. Null: no record starts there. */
function startOfAll(node: Node, options: Options): Start | null {
  const { log } = node;
  const rows = log.records;
  const from = options.getAll();
  const isShown = (record: LogRecord): boolean => !isHiddenFromAll(record.stream);
  const all = { rows, endsAtTombstone: false };
  if (from?.hasEnd()) return { ...all, next: rows.length, shows: isShown };
  const position = from?.getPosition()?.getCommitPosition();
  if (position === undefined) return { ...all, next: 0, shows: isShown };
  const after = BigInt(position);
  const shows = (record: LogRecord): boolean => record.position > after && isShown(record);
  if (after >= log.end()) return { ...all, next: rows.length, shows };
  const index = log.indexAt(after);
  return index === -1 ? null : { ...all, next: index + 1, shows };
}

/** From a revision on, exclusive; what metadata hides is left out while catching up. */
function startOfStream(node: Node, options: Options, name: string): Start {
  const rows = node.log.stream(name);
  const from = options.getStream();
  const visible = firstVisible(node.log, name, node.now());
  const asked = from?.hasRevision() ? Number(from.getRevision()) + 1 : 0;
  const next = from?.hasEnd() ? rows.length : Math.min(Math.max(asked, visible), rows.length);
  const shows = (record: LogRecord): boolean => record.revision >= BigInt(asked);
  return { rows, next, shows, endsAtTombstone: true };
}
