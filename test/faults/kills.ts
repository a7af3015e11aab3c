import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { until } from '../support/until.ts';
import type { OwnPostgres } from './ownPostgres.ts';
import type { Slot } from './slot.ts';
import type { Stage } from './stage.ts';

const SERVES_AGAIN_MS = 60_000;

/**
 * kill -9 of a slot's process.
 *
 * @returns resolves when the slot serves again
 */
export async function killService(stage: Stage, slot: Slot, restartAfterMs: number): Promise<void> {
  const { journal, postgres, slots } = stage;
  const hasSurvivor = slots.some((other) => other !== slot && other.url() !== null);
  const death = slot.kill(restartAfterMs);
  if (!death) return;
  const ended = journal.begin('kill -9 of a process', slot.name);
  journal.killed({ ...death, hasSurvivor, driving: await drivenBy(postgres, death.processId) });
  await until(`process ${slot.name} serves again`, () => slot.url() !== null, SERVES_AGAIN_MS);
  ended();
}

/**
 * kill -9 of Postgres.
 *
 * @returns resolves when it is up again
 */
export async function killPostgres(
  { journal, postgres, raisePostgres }: Stage,
  restartAfterMs: number,
): Promise<void> {
  const ended = journal.begin('kill -9 of Postgres', 'Postgres');
  await postgres.kill();
  await sleep(restartAfterMs);
  await raisePostgres();
  ended();
}

/** What a dead process had said it drives. Nobody deletes its row for ten minutes, unless Postgres has crashed too. */
async function drivenBy(postgres: OwnPostgres, processId: string | null): Promise<readonly string[]> {
  if (processId === null || !postgres.isUp()) return [];
  const client = new Client({ connectionString: postgres.url() });
  // Postgres may be killed just now.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ driving: string[] }>(DRIVEN, [processId]);
    return rows[0]?.driving ?? [];
  } catch {
    return [];
  } finally {
    await client.end().catch(() => {});
  }
}

const DRIVEN = 'select driving from coordination.processes where process_id = $1';
