import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { caseIdOf } from '../load/orders.ts';
import { type Started, startProcess } from '../processes.ts';
import type { Contestant, Serving, Surroundings } from './contestant.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** As the 1,000 in flight need it: beyond its default of 8 seconds everything waiting for a slot would be a fallback. */
const MODEL_TIMEOUT_MS = 60_000;
const BACKEND_CONCURRENCY = 1_000;
const OPENING_AT_ONCE = 16;
const DONE = `SELECT count(DISTINCT data::json->>'taskId') FROM eventlog.events WHERE type = 'ActionExecuted' AND data::json->>'result' = 'SUCCEEDED'`;

/** This project's service as it is started in production, in so many processes on one database. */
const ours = (processes: 1 | 2): Contestant => ({
  name: `ours${processes}`,
  label: processes === 1 ? 'case-orchestrator' : 'case-orchestrator, two processes',
  packages: [],
  note: 'src/main.ts with the default policy; logs warnings and worse, as the peers do. Asks its model through the openai package.',
  hotNote:
    'One stream: every append names the revision it expects, and at most one action of a case is open at a time.',
  start: (surroundings) => start(processes, surroundings),
});

export const OURS: Contestant = ours(1);
export const OURS_TWICE: Contestant = ours(2);

async function start(processes: number, surroundings: Surroundings): Promise<Serving> {
  const playbook = join(surroundings.folder, 'playbook.yaml');
  await writeFile(playbook, await playbookFor(surroundings.backendUrl));
  const services: Started[] = [];
  // One after the other: the first one makes the tables.
  for (let index = 0; index < processes; index += 1) {
    services.push(await startService(playbook, surroundings, index));
  }
  const urls = services.map(({ told }) => String(told));
  return {
    target: { urls, dialect: 'case-task' },
    pids: services.map(({ pid }) => pid),
    openCases: (count) => openCases(urls[0] ?? '', count),
    done: () => surroundings.database.count(DONE),
    stop: async () => {
      await Promise.all(services.map(({ stop }) => stop()));
    },
  };
}

const startService = (playbook: string, surroundings: Surroundings, index: number): Promise<Started> =>
  startProcess({
    command: process.execPath,
    args: ['src/main.ts'],
    cwd: ROOT,
    logFile: `${surroundings.logFile}.${index}`,
    ready: /listens on (http:\S+)/,
    env: {
      NODE_ENV: 'production',
      NODE_OPTIONS: surroundings.nodeOptions,
      PORT: '0',
      DATABASE_URL: surroundings.database.url,
      RECOMMENDER: 'openai',
      OPENAI_API_KEY: 'none',
      OPENAI_BASE_URL: surroundings.modelUrl,
      MODEL_TIMEOUT_MS: String(MODEL_TIMEOUT_MS),
      MODEL_CONCURRENCY: '1000',
      PLAYBOOK: playbook,
      LOG_LEVEL: 'warn',
    },
  });

/** The default playbook, its routes served by the stub backend. */
async function playbookFor(backendUrl: string): Promise<string> {
  const text = await readFile(join(ROOT, 'config/playbook.yaml'), 'utf8');
  const [before] = text.split('\nbackends:');
  const backends = ['PARTNER_API', 'CORE_SYSTEM'].map((route) =>
    [
      `  ${route}:`,
      '    kind: http',
      '    method: POST',
      `    url: ${backendUrl}/${route}/{caseId}`,
      '    body: { task: "{taskId}", intent: "{intent}" }',
      '    idempotent: true',
      '    timeoutMs: 30000',
      `    concurrency: ${BACKEND_CONCURRENCY}`,
      '    allowPrivateHosts: [127.0.0.1]',
    ].join('\n'),
  );
  return `${before}\nbackends:\n${backends.join('\n')}\n`;
}

async function openCases(url: string, count: number): Promise<void> {
  const open = async (number: number): Promise<void> => {
    const caseId = caseIdOf(number);
    const response = await fetch(`${url}/cases`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `open-${caseId}` },
      body: JSON.stringify({ caseId }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`opening ${caseId}: ${response.status} ${text.slice(0, 200)}`);
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await open(next - 1);
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, lane));
}
