import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams, { type BatchAppendReq, type ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { NO_STREAM, type StoredEvent } from '../port.ts';

/** A place in `$all`: two numbers that are the same for every event written since transactions became implicit. */
export type Place = { readonly commit: bigint; readonly prepare: bigint };

export const placeOf = (position: bigint): Place => ({ commit: position, prepare: position });

/** The server's own streams begin with this; what it writes there is no event of the log. */
const SYSTEM_PREFIX = '$';
export const isSystemStream = (stream: string): boolean => stream.startsWith(SYSTEM_PREFIX);

const NOT_SYSTEM = '^[^\\$]';

/** How many events the server looks at between two checkpoints: 32 at a time (its default), this many times. */
const CHECKPOINT_MULTIPLIER = 32;

/** A server takes messages of up to 16 MiB and one event at least; the client itself splits here. */
const MESSAGE_BYTES = 3 * 1024 * 1024;

/**
 * An append as its messages. Only the last one says that it is the last, so that a server that has lost its client on the way
 * cannot take a part for the whole; the classic append has no such mark. The texts go out as they are, marked as JSON, so
 * that the server's own pages and projections can read them; the client's call would parse them and write them again,
 * with integer-like keys in another order.
 */
export function appendRequest(
  stream: string,
  expectedRevision: number,
  events: readonly StoredEvent[],
): BatchAppendReq[] {
  const options = new streams.BatchAppendReq.Options().setStreamIdentifier(identifier(stream));
  if (expectedRevision === NO_STREAM) options.setNoStream(new shared.Empty());
  else options.setStreamPosition(String(expectedRevision));
  const append = new shared.UUID().setString(events[0]?.id ?? '');
  const messages = chunks(events.map(proposed)).map((part) =>
    new streams.BatchAppendReq().setCorrelationId(append).setProposedMessagesList(part),
  );
  messages[0]?.setOptions(options);
  messages.at(-1)?.setIsFinal(true);
  return messages;
}

type Proposed = BatchAppendReq.ProposedMessage;

function proposed({ id, type, data, metadata }: StoredEvent): Proposed {
  const message = new streams.BatchAppendReq.ProposedMessage()
    .setId(new shared.UUID().setString(id))
    .setData(bytes(data))
    .setCustomMetadata(bytes(metadata));
  message.getMetadataMap().set('type', type).set('content-type', 'application/json');
  return message;
}

function chunks(all: readonly Proposed[]): Proposed[][] {
  const parts: Proposed[][] = [];
  let room = 0;
  for (const message of all) {
    const size = message.getData_asU8().length + message.getCustomMetadata_asU8().length;
    if (parts.length === 0 || size > room) {
      parts.push([]);
      room = MESSAGE_BYTES;
    }
    parts.at(-1)?.push(message);
    room -= size;
  }
  return parts;
}

/** Up to `count` events of a stream, from a revision on. */
export function streamRequest(stream: string, fromRevision: number, count: number): ReadReq {
  const place = new streams.ReadReq.Options.StreamOptions()
    .setStreamIdentifier(identifier(stream))
    .setRevision(String(fromRevision));
  return request(options().setStream(place).setCount(String(count)).setNoFilter(new shared.Empty()));
}

/** Up to `count` events of all streams but the server's own, from a place on: that place included. */
export const allRequest = (from: Place | null, count: number): ReadReq =>
  request(options().setAll(all(from)).setCount(String(count)).setFilter(filter()));

/** The `count` newest events of all streams but the server's own, newest first: before a place, that one excluded. */
export const newestRequest = (before: Place | null, count: number): ReadReq =>
  request(
    options()
      .setAll(before === null ? atEnd() : all(before))
      .setCount(String(count))
      .setReadDirection(1)
      .setFilter(filter()),
  );

/** The newest event of all streams, whosever it is. */
export const pingRequest = (): ReadReq =>
  request(options().setAll(atEnd()).setCount('1').setReadDirection(1).setNoFilter(new shared.Empty()));

/** All events of all streams but the server's own, after a place (that one excluded), and then what comes. */
export function subscriptionRequest(after: Place | null): ReadReq {
  const subscription = new streams.ReadReq.Options.SubscriptionOptions();
  return request(options().setAll(all(after)).setSubscription(subscription).setFilter(filter()));
}

const options = () =>
  new streams.ReadReq.Options()
    .setReadDirection(0)
    .setResolveLinks(false)
    .setUuidOption(new streams.ReadReq.Options.UUIDOption().setString(new shared.Empty()));

const request = (of: ReadReq.Options): ReadReq => new streams.ReadReq().setOptions(of);

function all(from: Place | null) {
  const place = new streams.ReadReq.Options.AllOptions();
  if (from === null) return place.setStart(new shared.Empty());
  const position = new streams.ReadReq.Options.Position();
  position.setCommitPosition(String(from.commit)).setPreparePosition(String(from.prepare));
  return place.setPosition(position);
}

const atEnd = () => new streams.ReadReq.Options.AllOptions().setEnd(new shared.Empty());

function filter() {
  const expression = new streams.ReadReq.Options.FilterOptions.Expression().setRegex(NOT_SYSTEM);
  return new streams.ReadReq.Options.FilterOptions()
    .setStreamIdentifier(expression)
    .setCount(new shared.Empty())
    .setCheckpointintervalmultiplier(CHECKPOINT_MULTIPLIER);
}

const identifier = (stream: string) => new shared.StreamIdentifier().setStreamName(bytes(stream));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
