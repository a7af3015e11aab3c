import type { Actor } from '../domain/events.ts';
import { LOG_STREAM } from '../domain/identifiers.ts';
import { EMPTY_HEAD, type EventLog } from './log.ts';

/**
 * The id of the log; null where the log is empty. Writes nothing.
 *
 * @throws Error when the store holds something else than a case log
 */
export async function readLogId(log: EventLog): Promise<string | null> {
  const [first] = await log.read(LOG_STREAM);
  if (!first) return null;
  if (first.type === 'LogCreated') return first.data.logId;
  throw new Error(`the stream ${LOG_STREAM} begins with ${first.type}: this is no case log`);
}

/**
 * The id of the log, which its first event carries; the event is written where the log is empty.
 *
 * @param newLogId a UUID, used only for a new log
 * @param now ISO 8601
 */
export async function identifyLog(
  log: EventLog,
  actor: Actor,
  newLogId: string,
  now: string,
): Promise<string> {
  const context = { actor, correlationId: null, causationId: null, traceparent: null, now };
  for (;;) {
    const logId = await readLogId(log);
    if (logId !== null) return logId;
    await log.append(LOG_STREAM, EMPTY_HEAD, [{ type: 'LogCreated', data: { logId: newLogId } }], context);
  }
}
