import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError } from './errors.ts';
import type { Layout } from './layout.ts';
import { inUse } from './lock.ts';
import { processesIn, processState, signal, until } from './processes.ts';

/** Every server of this service carries this name on its command line, by which a later run knows it as its own. */
export const clusterName = 'case-orchestrator';

/** Postgres shuts down in order on INT, at once and with a recovery at the next start on QUIT. */
const endings: ReadonlyArray<{ name: NodeJS.Signals; patienceMs: number }> = [
  { name: 'SIGINT', patienceMs: 15_000 },
  { name: 'SIGQUIT', patienceMs: 5_000 },
  { name: 'SIGKILL', patienceMs: 2_000 },
];

/**
 * Makes sure that no process of an earlier run is left on the cluster; call it with the data folder locked.
 * Returns the process number in a stale `postmaster.pid` if something else has that number now, or a zombie: Postgres
 * would take it for a live server. Throws DATA_DIR_IN_USE for a server that this service did not start, or that does
 * not end.
 */
export async function settlePreviousRun(layout: Layout): Promise<number | undefined> {
  const pid = await postmasterPid(layout);
  if (pid === undefined) return undefined;
  const command = await commandOfPostmaster(pid, layout);
  if (command !== undefined) await endOrphan(pid, command, layout);
  await endBackends(layout);
  return (await processState(pid)).is === 'gone' ? undefined : pid;
}

/** The process number in the cluster's `postmaster.pid`; undefined without one. */
export async function postmasterPid(layout: Layout): Promise<number | undefined> {
  const pid = Number.parseInt((await postmasterFile(layout)) ?? '', 10);
  // Negative while a single-user server has the cluster.
  return Number.isInteger(pid) && pid !== 0 ? Math.abs(pid) : undefined;
}

/** The text of the cluster's `postmaster.pid`; undefined without one. */
export async function postmasterFile(layout: Layout): Promise<string | undefined> {
  return readFile(join(layout.cluster, 'postmaster.pid'), 'utf8').catch(() => undefined);
}

async function commandOfPostmaster(pid: number, layout: Layout): Promise<string | undefined> {
  const state = await processState(pid);
  if (state.is !== 'alive' || !state.command.includes('postgres')) return undefined;
  const here = state.command.includes(layout.cluster) || (await processesIn(layout.cluster)).includes(pid);
  return here ? state.command : undefined;
}

async function endOrphan(pid: number, command: string, layout: Layout): Promise<void> {
  const stranger = `a Postgres that this service did not start, process ${pid}`;
  if (!command.includes(`cluster_name=${clusterName}`)) throw inUse(layout, stranger);
  const ended = await end(
    (name) => signal(pid, name),
    async () => (await commandOfPostmaster(pid, layout)) === undefined,
  );
  if (!ended) throw inUse(layout, `a Postgres of an earlier run that does not end, process ${pid}`);
}

// A killed postmaster's backends leave by themselves, except one that is deep in a computation.
async function endBackends(layout: Layout): Promise<void> {
  const left = async () => processesIn(layout.cluster);
  const none = async () => (await left()).length === 0;
  if (await until(none, 500)) return;
  const ended = await end(async (name) => {
    for (const pid of await left()) signal(pid, name);
  }, none);
  if (ended) return;
  throw new EmbeddedPostgresError(
    'DATA_DIR_IN_USE',
    `Processes of an earlier run are left on ${layout.cluster} and do not end: ${(await left()).join(', ')}. End them.`,
  );
}

async function end(
  send: (name: NodeJS.Signals) => void | Promise<void>,
  gone: () => Promise<boolean>,
): Promise<boolean> {
  for (const { name, patienceMs } of endings) {
    await send(name);
    if (await until(gone, patienceMs)) return true;
  }
  return false;
}
