import { readLogId } from './eventstore/identity.ts';
import type { EventLog } from './eventstore/log.ts';
import { ForeignLogError } from './projections/projector.ts';
import type { RowStore } from './projections/rowStore.ts';

/**
 * Refuses an event store that is not the log which the read models, and with them the case keys, belong to: on another log
 * every recorded task would look new, and be done again. Asked before anything is written.
 *
 * @throws ForeignLogError
 */
export async function refuseForeignLog(log: EventLog, rowStore: Pick<RowStore, 'checkpoint'>): Promise<void> {
  const checkpoint = await rowStore.checkpoint();
  if (!checkpoint) return;
  const logId = await readLogId(log);
  if (logId !== checkpoint.logId) throw new ForeignLogError(checkpoint.logId, logId);
}
