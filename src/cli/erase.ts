import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { v7 as uuidv7 } from 'uuid';
import { createCaseStore } from '../commands/caseStore.ts';
import { ERASE_COMMAND, eraseCase } from '../commands/eraseCase.ts';
import type { Database } from '../database.ts';
import { RefusedError } from '../domain/refusal.ts';
import { createEventLog } from '../eventstore/log.ts';
import type { EventStore } from '../eventstore/port.ts';
import { refuseForeignLog } from '../foreignLog.ts';
import { createPostgresRowStore } from '../projections/postgresRowStore.ts';
import { READ_MODELS } from '../projections/readModels.ts';
import { systemClock } from '../runtime/clock.ts';
import { createPostgresKeyStore } from '../vault/postgres.ts';
import { createVault } from '../vault/vault.ts';
import { type ErasureCommand, readErasureCommand } from './erasureCommand.ts';
import { refuse, run, say } from './run.ts';
import { withServiceLog } from './serviceLog.ts';

/** `npm run erase -- --case C1001 --reason CODE`: destroys the key of a case, whether or not services run. There is no way back. */
run(async () => {
  const { values } = parseArgs({ options: { case: { type: 'string' }, reason: { type: 'string' } } });
  const { command, problems } = readErasureCommand(values);
  if (!command) return refuse(problems.join('\n'));
  await withServiceLog((store, database) => erase(store, database, command));
});

async function erase(
  store: EventStore,
  { pool }: Database,
  { caseId, reason }: ErasureCommand,
): Promise<void> {
  const log = createEventLog(store, uuidv7);
  const rowStore = createPostgresRowStore(pool);
  await rowStore.prepare(READ_MODELS);
  await refuseForeignLog(log, rowStore);
  const cases = createCaseStore(log, systemClock, { appendConflict: () => {} }, new AbortController().signal);
  const vault = createVault(createPostgresKeyStore(pool), randomBytes);
  const envelope = { actor: ERASE_COMMAND, traceparent: null, sentKey: null };
  try {
    const { erased, replayed } = await eraseCase({ cases, vault }, caseId, reason, envelope);
    const before = replayed ? ' before' : '';
    say(
      `case ${caseId} was erased${before}: ${erased.reason}, ${erased.at}, revision ${erased.revision}; its key is gone`,
    );
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    refuse(`${error.code}: ${error.message}`);
  }
}
