import { kurrentDbUrlOf, readConfig } from '../config.ts';
import type { Database } from '../database.ts';
import { openServiceLog } from '../eventstore/openLog.ts';
import type { EventStore } from '../eventstore/port.ts';
import { reachDatabase } from './reachDatabase.ts';

/**
 * Works with the service's log and database, as the environment names them, beside running services; closes both whatever happens.
 *
 * @param exitCode what the process ends with when an embedded server of its own is lost
 */
export async function withServiceLog<T>(
  work: (store: EventStore, database: Database) => Promise<T>,
  exitCode?: number,
): Promise<T> {
  const config = readConfig(process.env);
  const database = await reachDatabase(config, exitCode);
  try {
    const { store, close } = await openServiceLog(database, kurrentDbUrlOf(config));
    try {
      return await work(store, database);
    } finally {
      await close();
    }
  } finally {
    await database.close();
  }
}
