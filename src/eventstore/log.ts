import type { Actor, DomainEvent, Recorded } from '../domain/events.ts';
import { link } from './chain.ts';
import { type Codec, codec as standardCodec } from './codec.ts';
import { type EventStore, NO_STREAM, type StoredEvent } from './port.ts';

/** Where a stream ends: what the next append expects and links to. */
export type Head = {
  readonly revision: number;
  readonly hash: string | null;
  readonly recordedAt: string | null;
};

/** The head of a stream without events. */
export const EMPTY_HEAD: Head = { revision: NO_STREAM, hash: null, recordedAt: null };

/** Who appends, on whose behalf, and for which task. */
export type AppendContext = {
  readonly actor: Actor;
  readonly correlationId: string | null;
  /** What led to the first event; each further one is caused by the event before it. */
  readonly causationId: string | null;
  readonly traceparent: string | null;
  /** ISO 8601; raised to the stream's last time where the clock went back. */
  readonly now: string;
};

/** An append that is ready to be sent: its events have their ids, their place in the stream and the chain. */
export type PreparedAppend = {
  readonly stream: string;
  readonly expectedRevision: number;
  readonly stored: readonly StoredEvent[];
  readonly recorded: readonly Omit<Recorded, 'position'>[];
};

export type AppendOutcome =
  | { readonly kind: 'appended'; readonly events: readonly Recorded[] }
  | { readonly kind: 'conflict' };

/** The event log: the store's port with codec and chain, in terms of domain events. */
export type EventLog = {
  /** All events of a stream from a revision on, decoded, in order. */
  readonly read: (stream: string, fromRevision?: number) => Promise<Recorded[]>;
  /** Events as they would stand behind a stream's head, chained and encoded. Writes nothing. */
  readonly prepare: (
    stream: string,
    head: Head,
    events: readonly DomainEvent[],
    context: AppendContext,
  ) => PreparedAppend;
  /**
   * Writes prepared events; all or none.
   *
   * @returns the recorded events, or `conflict` when the stream has moved: fold again, then prepare anew
   */
  readonly commit: (prepared: PreparedAppend) => Promise<AppendOutcome>;
  /** Prepares and commits. */
  readonly append: (
    stream: string,
    head: Head,
    events: readonly DomainEvent[],
    context: AppendContext,
  ) => Promise<AppendOutcome>;
};

const PAGE = 1_000;

/**
 * @param newId mints a UUIDv7 for each event of each append
 */
export function createEventLog(
  store: EventStore,
  newId: () => string,
  codec: Codec = standardCodec,
): EventLog {
  return {
    read: async (stream, fromRevision = 0) => {
      const events: Recorded[] = [];
      for (;;) {
        const page = await store.readStream(stream, fromRevision + events.length, PAGE);
        for (const event of page) events.push(codec.decode(event));
        if (page.length < PAGE) return events;
      }
    },
    prepare,
    commit,
    append: (stream, head, events, context) => commit(prepare(stream, head, events, context)),
  };

  async function commit({
    stream,
    expectedRevision,
    stored,
    recorded,
  }: PreparedAppend): Promise<AppendOutcome> {
    const result = await store.append(stream, expectedRevision, stored);
    if (result.kind === 'conflict') return { kind: 'conflict' };
    const events = recorded.map(
      (event, index) => ({ ...event, position: result.positions[index] ?? -1n }) as Recorded,
    );
    return { kind: 'appended', events };
  }

  function prepare(
    stream: string,
    head: Head,
    events: readonly DomainEvent[],
    context: AppendContext,
  ): PreparedAppend {
    const { now, ...envelope } = context;
    const recordedAt = head.recordedAt !== null && head.recordedAt > now ? head.recordedAt : now;
    let { revision, hash: prevHash } = head;
    let causationId = context.causationId;
    const stored: StoredEvent[] = [];
    const recorded: Omit<Recorded, 'position'>[] = [];
    for (const event of events) {
      revision += 1;
      const { data, schemaVersion } = codec.encode(event);
      const id = newId();
      const metadata = { ...envelope, causationId, recordedAt, schemaVersion, prevHash };
      const linked = link(stream, revision, { id, type: event.type, data }, metadata);
      stored.push(linked.stored);
      recorded.push({ ...event, id, stream, revision, metadata: { ...metadata, hash: linked.hash } });
      prevHash = linked.hash;
      causationId = id;
    }
    return { stream, expectedRevision: head.revision, stored, recorded };
  }
}

/** The head that a stream has after its last event; EMPTY_HEAD for none. */
export function headOf(last: Recorded | undefined): Head {
  if (!last) return EMPTY_HEAD;
  return { revision: last.revision, hash: last.metadata.hash, recordedAt: last.metadata.recordedAt };
}
