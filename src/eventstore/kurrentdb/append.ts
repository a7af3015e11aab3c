import { type AppendResult, DuplicateEventIdError, type ReadEvent, type StoredEvent } from '../port.ts';
import { checkAppend } from '../preconditions.ts';
import { type AppendAnswer, beginAppend, beginRead } from './calls.ts';
import type { Connection } from './connection.ts';
import { failureOf } from './failures.ts';
import { appendRequest, isSystemStream, streamRequest } from './requests.ts';
import { type Patience, retrying } from './retrying.ts';

/** One append: repeated, it is the same in every byte. */
type Append = {
  readonly stream: string;
  readonly expectedRevision: number;
  readonly events: readonly StoredEvent[];
};

/** Reads as many events as the append has, from where they should be. */
type ReadBack = () => Promise<readonly ReadEvent[]>;

/**
 * Appends at an expected revision, never at "any". When a call fails in flight, nobody knows what happened: the same append
 * is sent again, with the same ids and the original expected revision, and the server answers a repeat of what it has
 * with success. A conflict after such a failure is one only if the events at that place are not this append's.
 */
export const createAppend =
  (connection: Connection, patience: Patience) =>
  async (stream: string, expectedRevision: number, events: readonly StoredEvent[]): Promise<AppendResult> => {
    const append = { stream, expectedRevision, events };
    check(append);
    const messages = appendRequest(stream, expectedRevision, events);
    let unknown = false;
    return retrying(patience, 'append', async (timeoutMs) => {
      const readBack = () => {
        const place = streamRequest(stream, expectedRevision + 1, events.length);
        return connection.call(timeoutMs(), beginRead(place));
      };
      try {
        const answer = await connection.call(timeoutMs(), beginAppend(messages));
        if (answer.kind === 'appended') return await positioned(append, answer, readBack);
        return unknown
          ? await resolve(append, answer.current, readBack)
          : { kind: 'conflict', revision: answer.current };
      } catch (error) {
        if (failureOf(error) === 'passing') unknown = true;
        throw error;
      }
    });
  };

/** The answer tells the position of the last event only; for more than one, they are read. */
async function positioned(
  append: Append,
  { position }: Extract<AppendAnswer, { kind: 'appended' }>,
  readBack: ReadBack,
): Promise<AppendResult> {
  if (append.events.length === 1 && position !== null) return appended(append, [position]);
  const there = await readBack();
  if (!isThere(append, there)) throw new Error('What was appended cannot be read yet');
  return appended(append, positionsOf(there));
}

/** The answer to an append that the server refuses now, and that may have been written by a try before. */
async function resolve(append: Append, current: number, readBack: ReadBack): Promise<AppendResult> {
  const there = await readBack();
  if (isThere(append, there)) return appended(append, positionsOf(there));
  // The stream has not got that far: the try before may still be on its way, and then find its place.
  if (current < append.expectedRevision) throw new Error('The outcome of an append is not known yet');
  return { kind: 'conflict', revision: current };
}

const isThere = ({ events }: Append, there: readonly ReadEvent[]): boolean =>
  there.length === events.length && there.every((event, index) => event.id === events[index]?.id);

const appended = ({ expectedRevision, events }: Append, positions: readonly bigint[]): AppendResult => ({
  kind: 'appended',
  revision: expectedRevision + events.length,
  positions,
});

const positionsOf = (events: readonly ReadEvent[]): bigint[] => events.map((event) => event.position);

function check({ stream, expectedRevision, events }: Append): void {
  checkAppend(stream, expectedRevision, events);
  if (isSystemStream(stream)) {
    throw new RangeError('stream begins with $, which KurrentDB keeps for its own streams.');
  }
  // The server would write both: it compares ids with those at the same place of the stream, and nowhere else.
  if (new Set(events.map((event) => event.id)).size < events.length) throw new DuplicateEventIdError(stream);
}
