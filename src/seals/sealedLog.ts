import type { Recorded } from '../domain/events.ts';
import { SEAL_STREAM } from '../domain/identifiers.ts';
import type { LogSealed, SealedEvent, SealStatement } from '../domain/seal.ts';
import { codec, MalformedEventError } from '../eventstore/codec.ts';
import type { EventStore, ReadEvent } from '../eventstore/port.ts';
import { SealAlarmError } from './alarm.ts';
import { sealedEventOf } from './leaves.ts';

/** What seals are read from. */
export type SealedLog = Pick<EventStore, 'readAll' | 'readStream'>;

/** A seal as the log has it. */
export type RecordedSeal = Recorded<LogSealed>;

/** The seal of a number; null where the log has none. */
export async function readSeal(log: SealedLog, number: number): Promise<RecordedSeal | null> {
  const [stored] = await log.readStream(SEAL_STREAM, number, 1);
  return stored?.revision === number ? decode(stored) : null;
}

/**
 * The last seal in the log; null where there is none. Finds it in a few reads, however many there are.
 *
 * @param from number of a seal that is known to be there
 */
export async function readLastSeal(log: SealedLog, from = 0): Promise<RecordedSeal | null> {
  const isThere = async (number: number): Promise<boolean> =>
    (await log.readStream(SEAL_STREAM, number, 1)).length > 0;
  if (!(await isThere(from))) return from === 0 ? null : readLastSeal(log);
  let [there, gone] = [from, from + 1];
  while (await isThere(gone)) [there, gone] = [gone, from + 2 * (gone - from)];
  while (gone - there > 1) {
    const middle = Math.floor((there + gone) / 2);
    if (await isThere(middle)) there = middle;
    else gone = middle;
  }
  return readSeal(log, there);
}

/**
 * Where in this store a seal ends.
 *
 * @throws SealAlarmError where the last event that it covers is not there, or is another one
 */
export async function endOf(log: SealedLog, { number, last }: SealStatement): Promise<bigint> {
  const [stored] = await log.readStream(last.stream, last.revision, 1);
  if (stored?.revision !== last.revision || sealedEventOf(stored).hash !== last.hash)
    throw new SealAlarmError(
      'LOG_NOT_AS_SEALED',
      `the last event that seal ${number} covers, ${last.stream} at revision ${last.revision}, is gone or changed`,
    );
  return stored.position;
}

const PAGE = 500;

/**
 * Events behind a position, in the order of the log.
 *
 * @param until position behind which no event is wanted; null for no end
 * @param most how many at most
 */
export async function readBehind(
  log: SealedLog,
  after: bigint | null,
  until: bigint | null,
  most: number,
): Promise<{ readonly events: readonly SealedEvent[]; readonly end: bigint | null }> {
  const events: SealedEvent[] = [];
  let end = after;
  while (events.length < most) {
    const page = await log.readAll(end, Math.min(PAGE, most - events.length));
    const wanted = page.filter(({ position }) => until === null || position <= until);
    for (const event of wanted) events.push(sealedEventOf(event));
    end = wanted.at(-1)?.position ?? end;
    if (page.length === 0 || wanted.length < page.length) break;
  }
  return { events, end };
}

function decode(stored: ReadEvent): RecordedSeal {
  try {
    const event = codec.decode(stored);
    if (event.type === 'LogSealed' && event.data.statement.number === stored.revision)
      return event as RecordedSeal;
  } catch (error) {
    if (!(error instanceof MalformedEventError)) throw error;
  }
  throw new SealAlarmError(
    'SEAL_UNREADABLE',
    `what stands in the place of seal ${stored.revision} in the log is not it`,
  );
}
