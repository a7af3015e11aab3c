import { type Started, startProgram } from '../processes.ts';
import { CONNECTIONS, type Contestant, type Serving, type Surroundings } from './contestant.ts';

/** Starts a contestant of the folder contestants/ with what it needs to know. */
export const startPeer = (
  program: string,
  surroundings: Surroundings,
  more: Record<string, string> = {},
): Promise<Started> =>
  startProgram(`contestants/${program}.ts`, {
    logFile: surroundings.logFile,
    env: {
      NODE_OPTIONS: surroundings.nodeOptions,
      BENCH_DATABASE_URL: surroundings.database.url,
      BENCH_MODEL_URL: surroundings.modelUrl,
      BENCH_BACKEND_URL: surroundings.backendUrl,
      BENCH_PROMPT_FILE: surroundings.promptFile,
      BENCH_CONNECTIONS: String(CONNECTIONS),
      ...more,
    },
  });

/** Where a peer says that it listens. */
export const urlOf = (started: Started): string => (started.told as { url: string }).url;

/** A peer that is one process, and keeps everything in Postgres. */
const inPostgres = (program: string, doneSql: string): Contestant['start'] => {
  return async (surroundings): Promise<Serving> => {
    const started = await startPeer(program, surroundings);
    return {
      target: { urls: [urlOf(started)], dialect: 'task' },
      pids: [started.pid],
      openCases: async () => undefined,
      done: () => surroundings.database.count(doneSql),
      stop: started.stop,
    };
  };
};

export const FLOOR: Contestant = {
  name: 'floor',
  label: 'Floor (fastify + pg)',
  packages: ['fastify', 'pg'],
  note: 'Three plain inserts and the two calls. No rules, no recovery, no repeated keys: what the commits and the calls alone cost.',
  hotNote: 'One case id in every row; nothing is put in order.',
  start: inPostgres(
    'floor',
    "SELECT count(*) FROM received JOIN decided USING (key) JOIN done USING (key) WHERE outcome = 'AUTO_SUCCESS'",
  ),
};

export const DBOS: Contestant = {
  name: 'dbos',
  label: 'DBOS Transact',
  packages: ['@dbos-inc/dbos-sdk'],
  note: 'A workflow with the key as its id, awaited in process; each of the two calls a step.',
  hotNote: 'Has no order by case without a queue, which polls; the workflow ids merely begin alike.',
  start: inPostgres(
    'dbos',
    "SELECT count(*) FROM dbos.workflow_status JOIN dbos.workflow_output USING (workflow_uuid) WHERE status = 'SUCCESS' AND workflow_output.output LIKE '%AUTO_SUCCESS%'",
  ),
};

export const LANGGRAPH: Contestant = {
  name: 'langgraph',
  label: 'LangGraph.js',
  packages: ['@langchain/langgraph', '@langchain/langgraph-checkpoint-postgres', '@langchain/core'],
  note: "A graph of two nodes with the Postgres checkpointer and durability 'sync'; a thread with the key as its id.",
  hotNote: 'Has no order by case; the thread ids merely begin alike.',
  start: inPostgres(
    'langgraph',
    "SELECT count(DISTINCT thread_id) FROM checkpoint_blobs WHERE channel = 'outcome' AND convert_from(blob, 'UTF8') LIKE '%AUTO_SUCCESS%'",
  ),
};
