import { parseArgs } from 'node:util';
import { copyLog } from '../eventstore/copyLog.ts';
import { openLogAt } from '../eventstore/openLog.ts';
import { systemClock } from '../runtime/clock.ts';
import { refuse, run, say } from './run.ts';

const PROGRESS_EVERY_MS = 1_000;
const USAGE =
  'usage: npm run copy-log -- --from <postgres:// or esdb:// URL> --to <postgres:// or esdb:// URL>';

/** `npm run copy-log`: copies a whole log between two stores, goes on after a kill, and compares both at the end. */
run(async () => {
  const { values } = parseArgs({ options: { from: { type: 'string' }, to: { type: 'string' } } });
  const { from: fromUrl = process.env.FROM_URL, to: toUrl = process.env.TO_URL } = values;
  if (!fromUrl || !toUrl) return refuse(USAGE);
  const [from, to] = await Promise.all([openLogAt(fromUrl), openLogAt(toUrl)]);
  let told = systemClock.monotonicMs();
  const { events, copied } = await copyLog(from.store, to.store, ({ phase, events: count }) => {
    if (systemClock.monotonicMs() - told < PROGRESS_EVERY_MS) return;
    told = systemClock.monotonicMs();
    say(`${phase}: ${count} events`);
  });
  say(`both logs are equal: ${events} events, ${copied} of them copied now`);
  await Promise.all([from.close(), to.close()]);
});
