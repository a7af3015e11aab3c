import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configText } from '../support/builders.ts';
import { until } from '../support/until.ts';
import type { Outside } from './outside.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const START_MS = 60_000;
const STOP_MS = 40_000;
/** The service's log below warnings is read and thrown away. */
const ROUTINE = /^\{"level":[1-3]0,/;
const MOST_LINES = 1_000;

export type LoadedService = {
  readonly url: string;
  /** Warnings and worse that it has logged, and whatever else it wrote; the latest. */
  readonly complaints: () => readonly string[];
  /** Stops it in order; true when it did so. */
  readonly stop: () => Promise<boolean>;
};

export type LoadedServiceOptions = {
  readonly outside: Outside;
  /** A migrated database; without it one is embedded in a folder that is removed afterwards, with fsync. */
  readonly databaseUrl?: string | undefined;
  readonly modelTimeoutMs: number;
  readonly backendTimeoutMs: number;
  /** Lines for each backend of the playbook besides the usual. */
  readonly backendExtra?: string;
  /** Replaces the policy's `retries`. */
  readonly retries?: string;
};

/**
 * Runs the real service in a process of its own, with the model and the backend of `outside`.
 *
 * @throws Error with what it wrote when it ends first
 */
export async function startLoadedService(options: LoadedServiceOptions): Promise<LoadedService> {
  const folder = await mkdtemp(join(tmpdir(), 'case-orchestrator-load-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    return await startIn(folder, options, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function startIn(
  folder: string,
  options: LoadedServiceOptions,
  remove: () => Promise<void>,
): Promise<LoadedService> {
  const playbook = join(folder, 'playbook.yaml');
  const policy = join(folder, 'policy.yaml');
  await writeFile(playbook, playbookFor(options));
  await writeFile(policy, policyWith(options.retries));
  const env = {
    PATH: process.env.PATH ?? '',
    PORT: '0',
    RECOMMENDER: 'openai',
    OPENAI_API_KEY: 'sk-test-not-a-key',
    OPENAI_BASE_URL: options.outside.modelUrl,
    MODEL_TIMEOUT_MS: String(options.modelTimeoutMs),
    PLAYBOOK: playbook,
    POLICY: policy,
    ...(options.databaseUrl === undefined
      ? { DATA_DIR: join(folder, 'data') }
      : { DATABASE_URL: options.databaseUrl }),
  };
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = once(child, 'exit');
  let ended = false;
  void gone.then(() => {
    ended = true;
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    readLines(stream, (line) => {
      if (ROUTINE.test(line)) return;
      lines.push(line);
      if (lines.length > MOST_LINES) lines.shift();
    });
  }
  // Should the run itself fail.
  const endWithUs = (): boolean => child.kill('SIGTERM');
  process.once('exit', endWithUs);
  const stop = async (): Promise<boolean> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.kill('SIGTERM');
    const [code] = await gone;
    clearTimeout(timer);
    process.off('exit', endWithUs);
    await remove();
    return code === 0;
  };
  try {
    const url = await until(
      'the service listens',
      () => {
        if (ended) throw new Error(`the service ended: ${lines.join('\n')}`);
        return /listens on (http:\S+)/.exec(lines.join('\n'))?.[1];
      },
      START_MS,
    );
    return { url, complaints: () => lines.filter((line) => line.startsWith('{')), stop };
  } catch (error) {
    if (!ended) await stop();
    throw error;
  }
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

/** The default playbook, its routes served by the stub backend. */
function playbookFor({ outside, backendTimeoutMs, backendExtra = '' }: LoadedServiceOptions): string {
  const backend = (route: string): string =>
    [
      `  ${route}:`,
      '    kind: http',
      '    method: POST',
      `    url: ${outside.backendUrl}/${route}/{caseId}`,
      '    body: { task: "{taskId}", intent: "{intent}" }',
      '    idempotent: true',
      `    timeoutMs: ${backendTimeoutMs}`,
      '    allowPrivateHosts: [127.0.0.1]',
      backendExtra,
    ].join('\n');
  const [before] = configText('playbook.yaml').split('\nbackends:');
  return `${before}\nbackends:\n${backend('PARTNER_API')}\n${backend('CORE_SYSTEM')}\n`;
}

/** The default policy, its retries replaced where the test asks for others. */
function policyWith(retries: string | undefined): string {
  const text = configText('policy.yaml');
  return retries === undefined ? text : text.replace(/^retries:\n(?: .*\n)+/m, `retries: ${retries}\n`);
}
