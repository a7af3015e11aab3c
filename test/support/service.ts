import { type DestinationStream, pino } from 'pino';
import { validateBackends } from '../../src/backends/backends.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/database.ts';
import { parsePlaybook } from '../../src/domain/playbook.ts';
import { parsePolicy } from '../../src/domain/policy.ts';
import { type Service, type ServiceOptions, startService } from '../../src/service.ts';
import { configText } from './builders.ts';
import { type Client, createClient } from './client.ts';
import { systemLog } from './systemStore.ts';

export type TestServiceOptions = {
  /** URL of a migrated database, whose owner drops it after `stop`. */
  readonly databaseUrl: string;
  /** YAML text; the default playbook without it. */
  readonly playbook?: string | undefined;
  /** YAML text; the default policy without it. */
  readonly policy?: string | undefined;
  /** YAML text; no shadow policy without it. */
  readonly shadow?: string | undefined;
  /** Environment variables besides DATABASE_URL, PORT and ALLOW_SIMULATED. */
  readonly env?: Readonly<Record<string, string>>;
  readonly overrides?: ServiceOptions['overrides'];
};

export type TestService = Client & {
  readonly url: string;
  readonly service: Service;
  /** Every line that was logged so far, parsed. */
  readonly logs: () => readonly LogLine[];
  /** Stops the service in order and closes its pool; further calls do nothing. */
  readonly stop: () => Promise<void>;
};

export type LogLine = { readonly level: number; readonly msg: string } & Readonly<Record<string, unknown>>;

/** Starts the real service in this process on a free port: real store, recommender and backends, only the log is kept. */
export async function startTestService(options: TestServiceOptions): Promise<TestService> {
  const log = await systemLog(options.databaseUrl);
  const config = testConfig(options, log.env);
  const lines: string[] = [];
  const stream: DestinationStream = { write: (line) => lines.push(line) };
  const logger = pino({ level: config.LOG_LEVEL, base: null }, stream);
  const playbook = parsePlaybook(
    options.playbook ?? configText('playbook.yaml'),
    'playbook.yaml',
    validateBackends,
  );
  const policy = parsePolicy(options.policy ?? configText('policy.yaml'), 'policy.yaml', playbook);
  const shadow = options.shadow === undefined ? null : parsePolicy(options.shadow, 'shadow.yaml', playbook);
  const database = await openDatabase(config, logger, () => {});
  const { overrides = {} } = options;
  const service = await startService({
    config,
    playbook,
    policy,
    shadow,
    database,
    logger,
    version: 'test',
    overrides: log.store === null ? overrides : { store: log.store, ...overrides },
  }).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    await service.stop();
    await database.close();
  };
  return {
    ...createClient(service.url),
    url: service.url,
    service,
    logs: () => lines.map((line) => JSON.parse(line) as LogLine),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function testConfig(
  { databaseUrl, env = {} }: TestServiceOptions,
  logEnv: Readonly<Record<string, string>>,
): Config {
  return readConfig({
    DATABASE_URL: databaseUrl,
    PORT: '0',
    ALLOW_SIMULATED: 'true',
    VERIFY_EVERY_HOURS: '0',
    ...logEnv,
    ...env,
  });
}

/** Environment of a service that asks the stub model. */
export const askingModel = (
  { baseUrl }: { readonly baseUrl: string },
  timeoutMs = 8_000,
): Record<string, string> => ({
  RECOMMENDER: 'openai',
  OPENAI_API_KEY: 'sk-test-not-a-key',
  OPENAI_BASE_URL: baseUrl,
  MODEL_TIMEOUT_MS: String(timeoutMs),
});

/** The default playbook with both routes served by an HTTP server of this machine. */
export function httpPlaybook(
  backendUrl: string,
  {
    timeoutMs = 2_000,
    idempotent = true,
  }: { readonly timeoutMs?: number; readonly idempotent?: boolean } = {},
): string {
  const backend = (path: string): string =>
    [
      '    kind: http',
      '    method: POST',
      `    url: ${backendUrl}/${path}/{caseId}`,
      '    body: { task: "{taskId}", intent: "{intent}" }',
      `    idempotent: ${idempotent}`,
      `    timeoutMs: ${timeoutMs}`,
      '    allowPrivateHosts: [127.0.0.1]',
    ].join('\n');
  const [before] = configText('playbook.yaml').split('\nbackends:');
  return `${before}\nbackends:\n  PARTNER_API:\n${backend('partner')}\n  CORE_SYSTEM:\n${backend('core')}\n`;
}
