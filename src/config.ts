import { isIP } from 'node:net';
import { z } from 'zod';
import { authenticationProblems, authenticationVariables } from './auth/settings.ts';
import { commaParts, inputMessage, wholeNumber } from './input.ts';
import { isLoopback } from './loopback.ts';
import { sealProblems, sealVariables } from './seals/settings.ts';

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');
const isHost = (text: string): boolean =>
  isIP(text) !== 0 || (/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(text) && !/(^|\.)\d+$/.test(text));
const hosts = z
  .string()
  .default('')
  .refine(
    (text) => commaParts(text).every(isHost),
    'must be host names or IP addresses without port, separated by commas',
  )
  .transform(commaParts);

/**
 * Every environment variable, with what it means; the table in docs/configuration.md is made from this. `defaultRule` tells
 * the default of a variable whose default depends on others.
 */
export const environmentSchema = z.object({
  HOST: z
    .string()
    .refine(isHost, 'must be an IP address or a host name')
    .default('127.0.0.1')
    .describe('Address that the API listens on'),
  PORT: wholeNumber(0, 65_535, 3000).describe('Port that the API listens on; 0 takes a free one'),
  DATA_DIR: z.string().default('./data').describe('Where the embedded Postgres keeps its files'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })
    .optional()
    .describe(
      'Postgres for read models, vault and, unless EVENT_STORE says otherwise, the event log; without it one is embedded',
    ),
  EVENT_STORE: z
    .enum(['postgres', 'kurrentdb'])
    .default('postgres')
    .describe('Where the event log is kept; read models and case keys are in Postgres in both cases'),
  KURRENTDB_URL: z
    .string()
    .regex(/^esdb(\+discover)?:\/\/./, 'must be an esdb:// or esdb+discover:// URL')
    .optional()
    .describe(
      'KurrentDB, with EVENT_STORE=kurrentdb: `esdb://host:2113?tls=false` or `esdb+discover://…` for a cluster',
    ),
  RECOMMENDER: z
    .enum(['openai', 'local', 'none'])
    .optional()
    .meta({ description: 'Who recommends', defaultRule: '`openai` with OPENAI_API_KEY, else `local`' }),
  OPENAI_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be one word of visible ASCII characters')
    .optional()
    .describe('Key of the model service'),
  OPENAI_BASE_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .optional()
    .describe('Any OpenAI-compatible endpoint; without it the SDK’s own'),
  OPENAI_MODEL: z.string().default('gpt-5.4-mini').describe('The model'),
  MODEL_TIMEOUT_MS: wholeNumber(100, 600_000, 8000).describe(
    'For all of one recommendation, retries included, in milliseconds',
  ),
  MODEL_CONCURRENCY: wholeNumber(1, 10_000, 256).describe(
    'How many calls of the model may be in flight at one time; further tasks wait, within MODEL_TIMEOUT_MS',
  ),
  PLAYBOOK: z
    .string()
    .default('config/playbook.yaml')
    .describe('What can be recommended, and how it is carried out'),
  POLICY: z.string().default('config/policy.yaml').describe('What may be executed without a person'),
  SHADOW_POLICY: z
    .string()
    .optional()
    .describe(
      'A candidate that is evaluated beside POLICY on everything that happens, recorded and never acted on',
    ),
  AUTOMATION: z
    .enum(['running', 'paused'])
    .default('running')
    .describe(
      'With `paused` a start pauses everything, in every process, until somebody resumes it; with `running` it changes nothing',
    ),
  ALLOW_UNAUTHENTICATED: flag.describe('Listen beyond loopback although callers are not authenticated'),
  ...authenticationVariables,
  ...sealVariables,
  VERIFY_EVERY_HOURS: wholeNumber(0, 8_760, 24).describe(
    'How old the last verification of the log gets before the service verifies it again by itself, in hours; 0: never',
  ),
  VERIFY_EVENTS_PER_SECOND: wholeNumber(1, 1_000_000, 1_000).describe(
    'How many events it reads a second for that, so that it disturbs nobody',
  ),
  ALLOW_SIMULATED: flag.describe('Use simulated backends with DATABASE_URL set or another HOST'),
  ALLOWED_HOSTS: hosts.describe(
    'Further host names that requests may name, without port, separated by commas',
  ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least severe level that is logged'),
});

/** The configuration, typed. */
export type Config = Omit<z.infer<typeof environmentSchema>, 'RECOMMENDER' | 'RATE_LIMIT_PER_MINUTE'> & {
  readonly RECOMMENDER: 'openai' | 'local' | 'none';
  readonly RATE_LIMIT_PER_MINUTE: number;
};

/** The environment cannot be used; `problems` has one line each. */
export class InvalidConfigError extends Error {
  readonly code = 'INVALID_CONFIG';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'InvalidConfigError';
    this.problems = problems;
  }
}

/**
 * Reads the environment once. An empty variable counts as not set.
 *
 * @throws InvalidConfigError with every problem; values are never repeated in it
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const known = Object.keys(environmentSchema.shape);
  const set = Object.entries(environment).filter(([name, value]) => known.includes(name) && value !== '');
  const parsed = environmentSchema.safeParse(Object.fromEntries(set), { error: inputMessage });
  if (!parsed.success) {
    throw new InvalidConfigError(
      parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    );
  }
  const config = parsed.data;
  const RECOMMENDER = config.RECOMMENDER ?? (config.OPENAI_API_KEY === undefined ? 'local' : 'openai');
  const RATE_LIMIT_PER_MINUTE = config.RATE_LIMIT_PER_MINUTE ?? (isOpenToThisMachine(config) ? 0 : 1_200);
  const complete = { ...config, RECOMMENDER, RATE_LIMIT_PER_MINUTE };
  const problems = contradictions(complete);
  if (problems.length > 0) throw new InvalidConfigError(problems);
  return complete;
}

/** Whether everybody on this machine may call, and nobody else. */
const isOpenToThisMachine = (config: Pick<Config, 'HOST' | 'AUTHENTICATION'>): boolean =>
  isLoopback(config.HOST) && config.AUTHENTICATION.length === 0;

function contradictions(config: Config): string[] {
  const problems = [...authenticationProblems(config), ...sealProblems(config)];
  if (!isLoopback(config.HOST) && config.AUTHENTICATION.length === 0 && !config.ALLOW_UNAUTHENTICATED) {
    problems.push(
      'HOST: callers are not authenticated, so the service listens on loopback only; set AUTHENTICATION, ' +
        'or ALLOW_UNAUTHENTICATED=true if everybody who reaches this address may act',
    );
  }
  if (config.EVENT_STORE === 'kurrentdb' && config.KURRENTDB_URL === undefined) {
    problems.push('KURRENTDB_URL: is missing, but EVENT_STORE=kurrentdb needs it');
  }
  if (config.EVENT_STORE === 'postgres' && config.KURRENTDB_URL !== undefined) {
    problems.push('KURRENTDB_URL: is set, but EVENT_STORE is not kurrentdb; unset one or set the other');
  }
  if (config.RECOMMENDER === 'openai' && config.OPENAI_API_KEY === undefined) {
    problems.push(
      'OPENAI_API_KEY: is missing, but RECOMMENDER=openai needs it (any text for a server without keys)',
    );
  }
  return problems;
}

/** Whether this is the trying-out set-up: everything embedded, loopback only. */
export const isTryingOut = (config: Config): boolean =>
  config.DATABASE_URL === undefined && config.EVENT_STORE === 'postgres' && isLoopback(config.HOST);

/** The KurrentDB that keeps the event log; null where Postgres does. */
export const kurrentDbUrlOf = (config: Config): string | null =>
  config.EVENT_STORE === 'kurrentdb' ? (config.KURRENTDB_URL ?? null) : null;
