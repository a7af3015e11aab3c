import { EventStoreDBClient } from '@eventstore/db-client';
import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { Timer } from '../../runtime/clock.ts';
import { CallTimeoutError, failureOf, losesConnection } from './failures.ts';

/** Metadata and options of a gRPC call: credentials, connection name, and that the leader shall answer. */
type CallArguments = ReturnType<EventStoreDBClient['callArguments']>;

/** A call that has begun. */
export type Begun<T> = {
  /** Settles with what the call gives; stays pending where the server says nothing. */
  readonly answer: Promise<T>;
  readonly cancel: () => void;
};

export type Begin<T> = (streams: StreamsClient, args: CallArguments) => Begun<T>;

export type Connection = {
  /**
   * Makes one call, finding the leader of a cluster and connecting included. The call is cancelled when it is late, the
   * signal aborts, or the connection is closed.
   *
   * @throws what the call failed with; CallTimeoutError when `timeoutMs` have passed without an answer
   */
  readonly call: <T>(timeoutMs: number, begin: Begin<T>, signal?: AbortSignal) => Promise<T>;
  readonly isClosed: () => boolean;
  readonly close: () => void;
};

/**
 * One connection to a server or cluster. From the client come the connection string, TLS, credentials, discovery and the
 * channel; the calls on it are made here, one HTTP/2 stream each, because the client's own
 * - share one stream and one process-wide table of pending appends, so that one fault rejects other appends, also those
 *   of another client, or throws where nobody can catch it; some promises never settle and none keeps a deadline
 * - ask once for the server's features, and remember for ever if that failed
 * - parse JSON and write it again, which changes the bytes.
 *
 * A client whose connection failed is thrown away with all that it remembers; the next call makes a new one.
 */
export function createConnection(connectionString: string, clock: Timer): Connection {
  const closed = new AbortController();
  let current: EventStoreDBClient | null = null;

  const discard = (client: EventStoreDBClient, streams: StreamsClient | null): void => {
    if (current === client) current = null;
    // Calls that are under way on it go on.
    streams?.close();
  };

  const learnFrom = async (error: unknown, client: EventStoreDBClient, streams: StreamsClient | null) => {
    if (streams !== null && failureOf(error) === 'not-leader') {
      await followLeader(client, streams, error).catch(() => discard(client, streams));
    } else if (losesConnection(error)) {
      discard(client, streams);
    }
  };

  const call = async <T>(timeoutMs: number, begin: Begin<T>, signal?: AbortSignal): Promise<T> => {
    closed.signal.throwIfAborted();
    current ??= EventStoreDBClient.connectionString(connectionString);
    const client = current;
    const interruption = interruptible(clock, timeoutMs, signal ? [closed.signal, signal] : [closed.signal]);
    let streams: StreamsClient | null = null;
    let begun: Begun<T> | null = null;
    try {
      streams = await interruption.race(streamsOf(client));
      begun = begin(streams, argumentsOf(client));
      return await interruption.race(begun.answer);
    } catch (error) {
      begun?.cancel();
      await learnFrom(error, client, streams);
      throw error;
    } finally {
      interruption.end();
    }
  };

  return {
    call,
    isClosed: () => closed.signal.aborted,
    close: () => {
      const client = current;
      current = null;
      closed.abort(new Error('The store is closed'));
      if (client)
        void streamsOf(client).then(
          (streams) => streams.close(),
          () => {},
        );
    },
  };
}

type Interruption = {
  readonly race: <T>(work: Promise<T>) => Promise<T>;
  readonly end: () => void;
};

/** Lets work be raced against a deadline and signals; leaves no timer and no listener behind. */
function interruptible(clock: Timer, timeoutMs: number, signals: readonly AbortSignal[]): Interruption {
  const { promise, reject } = Promise.withResolvers<never>();
  const over = new AbortController();
  promise.catch(() => {});
  for (const signal of signals) {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { signal: over.signal });
  }
  void clock.sleep(timeoutMs, over.signal).then(() => {
    if (!over.signal.aborted) reject(new CallTimeoutError(timeoutMs));
  });
  return { race: (work) => Promise.race([work, promise]), end: () => over.abort() };
}

/*
 * The three parts of the client that it keeps for its own calls. Its declarations tell their types, so that the compiler
 * notices a change; the version is pinned.
 */

/** The stub on the present channel; makes the channel where there is none. Rejects when no node was found. */
const streamsOf = (client: EventStoreDBClient): Promise<StreamsClient> =>
  // biome-ignore lint/complexity/useLiteralKeys: protected, and only so does the compiler allow it
  client['execute'](StreamsClient, 'streams', async (streams) => streams);

const argumentsOf = (client: EventStoreDBClient): CallArguments =>
  // biome-ignore lint/complexity/useLiteralKeys: protected, and only so does the compiler allow it
  client['callArguments']({ requiresLeader: true }, { deadline: Number.POSITIVE_INFINITY });

/** Points the client at the leader that the error names. Rejects where it names none. */
const followLeader = (client: EventStoreDBClient, streams: StreamsClient, error: unknown): Promise<void> =>
  // biome-ignore lint/complexity/useLiteralKeys: protected, and only so does the compiler allow it
  client['handleError'](streams, error as Error);
