import { parseArgs } from 'node:util';
import { type CopyProgress, copyLog } from '../eventstore/copyLog.ts';
import { openLogAt } from '../eventstore/openLog.ts';
import type { EventStore } from '../eventstore/port.ts';
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
  const { events, copied } = await withLog(fromUrl, (from) =>
    withLog(toUrl, (to) => copyLog(from, to, progressTeller())),
  );
  say(`both logs are equal: ${events} events, ${copied} of them copied now`);
});

/** Works with the log at a URL, and closes it whatever happens: an open pool would keep the process from ending. */
async function withLog<T>(url: string, work: (store: EventStore) => Promise<T>): Promise<T> {
  const { store, close } = await openLogAt(url);
  try {
    return await work(store);
  } finally {
    await close();
  }
}

function progressTeller(): (progress: CopyProgress) => void {
  let told = systemClock.monotonicMs();
  return ({ phase, events }) => {
    if (systemClock.monotonicMs() - told < PROGRESS_EVERY_MS) return;
    told = systemClock.monotonicMs();
    say(`${phase}: ${events} events`);
  };
}
