import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { v7 as uuidv7 } from 'uuid';
import type { Database } from '../database.ts';
import { createEventLog } from '../eventstore/log.ts';
import type { EventStore } from '../eventstore/port.ts';
import { exportAudit } from '../export/auditExport.ts';
import { refuseForeignLog } from '../foreignLog.ts';
import { createPostgresRowStore } from '../projections/postgresRowStore.ts';
import { createReadModels } from '../projections/queries.ts';
import { fingerprintOf, READ_MODELS } from '../projections/readModels.ts';
import { systemClock } from '../runtime/clock.ts';
import { EXPORT_OPTIONS, type ExportCommand, readExportCommand } from './exportCommand.ts';
import { refuse, run } from './run.ts';
import { withServiceLog } from './serviceLog.ts';
import { writeWholeFile } from './wholeFile.ts';

/** How long a running service may take to bring its read models up to the end of the log. */
const CATCH_UP_MS = 10_000;
const LEFT_OUT = 2;

/**
 * `npm run export`: writes the audit log up to now as CSV or JSON lines, to standard output or to a file that is there only when it is
 * whole. Exit code 0: all of it; 2: without the cases that the read models had to leave out; 1: it failed. It is built without a model
 * and without a backend (rule 7).
 */
run(async () => {
  const { values } = parseArgs({ options: EXPORT_OPTIONS });
  const { command, problems } = readExportCommand(values);
  if (!command) return refuse(problems.join('\n'));
  await withServiceLog((store, database) => exportFrom(store, database, command));
});

async function exportFrom(
  store: EventStore,
  { pool }: Database,
  { wanted, out }: ExportCommand,
): Promise<void> {
  const rowStore = createPostgresRowStore(pool);
  await rowStore.prepare(READ_MODELS);
  await refuseForeignLog(createEventLog(store, uuidv7), rowStore);
  const readModels = createReadModels(pool, systemClock);
  const upTo = (await store.lastPosition()) ?? 0n;
  const checkpoint = await rowStore.checkpoint();
  const isOurs = checkpoint?.fingerprint === fingerprintOf(store.kind);
  if (!isOurs || !(await readModels.caughtUp(upTo, CATCH_UP_MS)))
    return refuse(
      'the read models are behind the log, or of another version: start the service, or npm run rebuild',
    );
  const chunks = exportAudit(readModels.settled, { ...wanted, upTo });
  if (out === null) await pipeline(Readable.from(chunks), process.stdout, { end: false });
  else await writeWholeFile(out, chunks, 0o666);
  await tellParked((await rowStore.parked()).map(({ stream }) => stream));
}

async function tellParked(streams: readonly string[]): Promise<void> {
  if (streams.length === 0) return;
  process.stderr.write(`left out, because an event could not be projected: ${streams.join(', ')}\n`);
  process.exitCode = LEFT_OUT;
}
