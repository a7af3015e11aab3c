import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPostgresLink, type PostgresLink } from '../support/postgresLink.ts';
import type { WireRequest } from '../support/postgresWire.ts';
import { type ServiceProcess, spawnService } from '../support/serviceProcess.ts';

/** What died in a slot, and when. */
export type Death = {
  readonly slot: string;
  /** Which run of the slot's process it was; counts from 1. */
  readonly incarnation: number;
  /** How it called itself in its heartbeats; null when it died before the first. */
  readonly processId: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
};

/** A place for one service process, which is started again whenever it has ended, with a link of its own to Postgres. */
export type Slot = {
  readonly name: string;
  readonly link: PostgresLink;
  /** Where it serves; null while it does not. */
  readonly url: () => string | null;
  readonly incarnation: () => number;
  /** kill -9; null when there was nothing to kill. Starts again after so many milliseconds. */
  readonly kill: (restartAfterMs: number) => Death | null;
  /** Stops the process in its tracks, for so many milliseconds. */
  readonly freeze: (ms: number) => Promise<void>;
  /** How often a start failed because the database was not to be had. */
  readonly failedStarts: () => number;
  /** Ends for good. */
  readonly end: () => Promise<void>;
};

export type SlotOptions = {
  readonly name: string;
  readonly env: (link: PostgresLink) => Readonly<Record<string, string>>;
  readonly logs: string;
  /** Told when the process has ended although nobody killed it, with some of what it wrote; `served` says whether it had got to serving. */
  readonly onCrash: (incarnation: number, served: boolean, said: string) => void;
};

const START_AGAIN_MS = 300;
const MOST_SAID = 500;
const MOST_FAILED_STARTS = 20;

export async function openSlot({ name, env, logs, onCrash }: SlotOptions): Promise<Slot> {
  let processId: string | null = null;
  const link = await openPostgresLink((request) => {
    processId = beatOf(request) ?? processId;
  });
  let current: ServiceProcess | null = null;
  let url: string | null = null;
  let incarnation = 0;
  let failedStarts = 0;
  let failedInARow = 0;
  let killed = false;
  let restartAt = 0;
  let ending = false;

  /** One life of the process. */
  const live = async (): Promise<void> => {
    incarnation += 1;
    processId = null;
    killed = false;
    const log = join(logs, `${name}-${incarnation}.log`);
    const child = spawnService(env(link), log);
    current = child;
    url = await child.listening;
    const served = url !== null;
    failedInARow = served || killed ? 0 : failedInARow + 1;
    await child.exited;
    url = null;
    current = null;
    if (killed) return;
    if (!served) failedStarts += 1;
    const said = (await readFile(log, 'utf8')).trim();
    onCrash(incarnation, served, served ? said.slice(-MOST_SAID) : said.slice(0, MOST_SAID));
  };
  const supervise = async (): Promise<void> => {
    // What cannot be started at all is not tried for ever: it would only hide why.
    while (!ending && failedInARow < MOST_FAILED_STARTS) {
      await live();
      if (!ending) await sleep(Math.max(START_AGAIN_MS * Number(!killed), restartAt - Date.now()));
    }
  };
  const supervised = supervise();

  const kill = (restartAfterMs: number): Death | null => {
    if (!current || killed) return null;
    killed = true;
    const at = Date.now();
    restartAt = at + restartAfterMs;
    current.signal('SIGKILL');
    url = null;
    return { slot: name, incarnation, processId, at };
  };
  return {
    name,
    link,
    url: () => url,
    incarnation: () => incarnation,
    kill,
    freeze: async (ms) => {
      const child = current;
      child?.signal('SIGSTOP');
      await sleep(ms);
      child?.signal('SIGCONT');
    },
    failedStarts: () => failedStarts,
    end: async () => {
      ending = true;
      kill(0);
      await supervised;
      await link.close();
    },
  };
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/;

/** The id of the process whose heartbeat a request is; null for anything else. */
function beatOf({ sql, bytes }: WireRequest): string | null {
  if (!sql.includes('insert into coordination.processes')) return null;
  return UUID.exec(bytes.toString('latin1'))?.[0] ?? null;
}
