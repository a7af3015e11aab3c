import { parseArgs } from 'node:util';
import { type CopyProgress, copyLog } from '../eventstore/copyLog.ts';
import { openLogAt } from '../eventstore/openLog.ts';
import type { EventStore } from '../eventstore/port.ts';
import { everySecond, refuse, run, say } from './run.ts';

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

const progressTeller = (): ((progress: CopyProgress) => void) =>
  everySecond(({ phase, events }) => say(`${phase}: ${events} events`));
