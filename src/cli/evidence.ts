import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { v7 as uuidv7 } from 'uuid';
import { type Config, readConfig } from '../config.ts';
import type { Database } from '../database.ts';
import { ORCHESTRATOR } from '../domain/actors.ts';
import { caseIdSchema } from '../domain/identifiers.ts';
import { readLogId } from '../eventstore/identity.ts';
import { createEventLog } from '../eventstore/log.ts';
import type { EventStore } from '../eventstore/port.ts';
import { createMakeEvidence } from '../evidence/makeEvidence.ts';
import { systemClock } from '../runtime/clock.ts';
import { createSealing, readSealSettings } from '../sealing.ts';
import { createPostgresKeyStore } from '../vault/postgres.ts';
import { createVault } from '../vault/vault.ts';
import { refuse, run, say } from './run.ts';
import { withServiceLog } from './serviceLog.ts';
import { writeWholeFile } from './wholeFile.ts';

const USAGE = `usage: npm run evidence -- --case C1001 --out evidence-C1001.html [--personal clear]
--case: a case id; --out: the file to write; --personal: clear or withheld (the default)`;

/** `npm run evidence`: writes the evidence file of a case, whether or not services run. What is not sealed yet is sealed first. */
run(async () => {
  const { values } = parseArgs({
    options: {
      case: { type: 'string' },
      out: { type: 'string' },
      personal: { type: 'string', default: 'withheld' },
    },
  });
  const { out, personal } = values;
  const caseId = caseIdSchema.safeParse(values.case);
  if (!caseId.success || out === undefined || (personal !== 'clear' && personal !== 'withheld'))
    return refuse(USAGE);
  const config = readConfig(process.env);
  await withServiceLog(async (store, database) => {
    const make = await evidenceOf(config, store, database);
    if (!make)
      return refuse(
        'nothing is signed here: set SIGNING_KEY, or, with an embedded log, start the service once, which makes a key',
      );
    const file = await make(caseId.data, personal);
    if (file === null) return refuse(`there is no case ${caseId.data}`);
    await writeWholeFile(out, [file], 0o600);
    say(
      `${out}: evidence of case ${caseId.data}, personal text ${personal === 'clear' ? 'in clear' : 'withheld'}`,
    );
    say(`check it with: npm run verify-evidence -- --file ${out} --public-key <public key>`);
  });
});

async function evidenceOf(config: Config, store: EventStore, { pool }: Database) {
  const settings = await readSealSettings(config);
  const logId = await readLogId(createEventLog(store, uuidv7));
  if (logId === null) return () => Promise.resolve(null);
  const clock = systemClock;
  const sealNow = createSealing(settings, { store, logId, actor: ORCHESTRATOR, newId: uuidv7, clock });
  const vault = createVault(createPostgresKeyStore(pool), randomBytes);
  return sealNow && settings.key && createMakeEvidence({ store, logId, vault, sealNow, clock }, settings.key);
}
