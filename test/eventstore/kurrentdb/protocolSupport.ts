import { randomUUID } from 'node:crypto';
import {
  type AppendExpectedRevision,
  type AppendResult,
  EventStoreDBClient,
  isCommandError,
  jsonEvent,
  type ResolvedEvent,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { afterAll, beforeAll } from 'vitest';
import { type ProtocolTestServer, startProtocolTestServer } from '../../support/kurrentdb/server.ts';

/** A real server to run the same tests against, such as `esdb://127.0.0.1:2113?tls=false`; else the protocol test server. */
const REAL_SERVER = process.env.KURRENTDB_TEST_URL;
export const isRealServer = REAL_SERVER !== undefined && REAL_SERVER !== '';

const CALL_MS = 5000;
const DEFAULT_CREDENTIALS = { username: 'admin', password: 'changeit' };

/** What the tests talk to: `double` is null when it is a real server, which has no fault hooks. */
export type Target = { readonly url: string; readonly double: ProtocolTestServer | null };

/** The server named by KURRENTDB_TEST_URL, or a new protocol test server. */
async function startTarget(): Promise<Target> {
  if (isRealServer && REAL_SERVER !== undefined) return { url: REAL_SERVER, double: null };
  const double = await startProtocolTestServer({ writeTimeoutMs: 50 });
  return { url: double.connectionString, double };
}

/** The client of a target. */
export function connect(url: string): EventStoreDBClient {
  return EventStoreDBClient.connectionString(url);
}

/** One target and one client of it for all tests of a file. */
export function useTarget(): { readonly target: () => Target; readonly client: () => EventStoreDBClient } {
  let used: { target: Target; client: EventStoreDBClient } | undefined;
  const now = () => used ?? raise('the target is there in tests only');
  beforeAll(async () => {
    const target = await startTarget();
    used = { target, client: connect(target.url) };
  });
  afterAll(async () => {
    await within('dispose', now().client.dispose()).catch(() => undefined);
    await now().target.double?.stop();
  });
  return { target: () => now().target, client: () => now().client };
}

function raise(message: string): never {
  throw new Error(message);
}

/** What a promise is rejected with; fails where it is not. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return within(
    'failure',
    promise.then(
      () => 'no failure',
      (error: unknown) => error,
    ),
  );
}

/** Credentials with one call make the client take the classic append instead of the batch stream. */
export function classicCredentials(url: string): { username: string; password: string } {
  const { username, password } = new URL(url);
  return username === '' ? DEFAULT_CREDENTIALS : { username, password };
}

/**
 * The client leaves promises open for ever: this one rejects instead.
 *
 * @throws Error naming `what` after so many milliseconds
 */
export async function within<T>(what: string, promise: Promise<T>, milliseconds = CALL_MS): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not within ${milliseconds} ms: ${what}`)), milliseconds);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Whether a promise is still open after so many milliseconds. */
export async function staysOpen(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const settled = promise.then(
    () => false,
    () => false,
  );
  const { promise: waited, resolve } = Promise.withResolvers<true>();
  const timer = setTimeout(() => resolve(true), milliseconds);
  return Promise.race([settled, waited]).finally(() => clearTimeout(timer));
}

export const event = (id: string = randomUUID(), type = 'tested') =>
  jsonEvent({ id, type, data: { text: 'data' }, metadata: { text: 'metadata' } });

export type Answer =
  | { readonly kind: 'success'; readonly revision: bigint; readonly position: bigint | undefined }
  | { readonly kind: 'conflict'; readonly actual: AppendExpectedRevision }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'error'; readonly type: string };

/** What an append answered, errors included; rejects only when there is no answer in time. */
export async function answerOf(append: Promise<AppendResult>): Promise<Answer> {
  try {
    const { nextExpectedRevision, position } = await within('append', append);
    return { kind: 'success', revision: nextExpectedRevision, position: position?.commit };
  } catch (error) {
    if (error instanceof WrongExpectedVersionError) return { kind: 'conflict', actual: error.actualVersion };
    if (error instanceof StreamDeletedError) return { kind: 'deleted' };
    if (error instanceof Error && isCommandError(error)) return { kind: 'error', type: error.type };
    throw error;
  }
}

/** The events of a read to its end; an unknown stream has none. */
export async function collect(events: AsyncIterable<ResolvedEvent>): Promise<ResolvedEvent[]> {
  return within('read', take(events, Number.POSITIVE_INFINITY));
}

/** The first `count` events of a read or subscription. */
async function take(events: AsyncIterable<ResolvedEvent>, count: number): Promise<ResolvedEvent[]> {
  const taken: ResolvedEvent[] = [];
  try {
    for await (const resolved of events) {
      taken.push(resolved);
      if (taken.length >= count) break;
    }
  } catch (error) {
    if (!(error instanceof StreamNotFoundError)) throw error;
  }
  return taken;
}

/** Those of the events that are in this stream or are its metadata: others write to a real server at the same time. */
export const eventsOf = (stream: string, events: readonly ResolvedEvent[]): ResolvedEvent[] =>
  events.filter(({ event: recorded }) => recorded?.streamId.endsWith(stream));

/** Ids of the events, in order. */
export const idsOf = (events: readonly ResolvedEvent[]): (string | undefined)[] =>
  events.map((resolved) => resolved.event?.id);

/** Writes a new stream of so many events; their ids in order. */
export async function written(
  client: EventStoreDBClient,
  count: number,
): Promise<{ stream: string; ids: string[] }> {
  const stream = `reads-${randomUUID()}`;
  const ids = Array.from({ length: count }, () => randomUUID());
  const events = ids.map((id) => event(id));
  await within('append', client.appendToStream(stream, events, { expectedRevision: 'no_stream' }));
  return { stream, ids };
}
