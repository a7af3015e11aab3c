import { z } from 'zod';

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

/** Every environment variable, with what it means; the table in docs/configuration.md is made from this. */
export const environmentSchema = z.object({
  HOST: z.string().default('127.0.0.1').describe('Address that the API listens on'),
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(3000)
    .describe('Port that the API listens on; 0 takes a free one'),
  DATA_DIR: z.string().default('./data').describe('Where the embedded Postgres keeps its files'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' })
    .optional()
    .describe('Postgres for event log, read models and vault; without it one is embedded'),
  EVENT_STORE: z.enum(['postgres']).default('postgres').describe('Where the event log is kept'),
  RECOMMENDER: z
    .enum(['openai', 'local', 'none'])
    .optional()
    .describe('Who recommends; without it openai where there is a key, else local'),
  OPENAI_API_KEY: z.string().optional().describe('Key of the model service'),
  OPENAI_BASE_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .optional()
    .describe('Any OpenAI-compatible endpoint; without it the SDK’s own'),
  OPENAI_MODEL: z.string().default('gpt-5.4-mini').describe('The model'),
  MODEL_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(600_000)
    .default(8000)
    .describe('For all of one recommendation, retries included, in milliseconds'),
  PLAYBOOK: z
    .string()
    .default('config/playbook.yaml')
    .describe('What can be recommended, and how it is carried out'),
  POLICY: z.string().default('config/policy.yaml').describe('What may be executed without a person'),
  ALLOW_UNAUTHENTICATED: flag.describe('Listen beyond loopback although callers are not authenticated'),
  ALLOW_SIMULATED: flag.describe('Use simulated backends with DATABASE_URL set or another HOST'),
  ALLOWED_HOSTS: list.describe('Further host names that requests may name, separated by commas'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least severe level that is logged'),
});

/** The configuration, typed. */
export type Config = Omit<z.infer<typeof environmentSchema>, 'RECOMMENDER'> & {
  readonly RECOMMENDER: 'openai' | 'local' | 'none';
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

/** Addresses that only this machine reaches. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);

/**
 * Reads the environment once. An empty variable counts as not set.
 *
 * @throws InvalidConfigError with every problem; values are never repeated in it
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const known = Object.keys(environmentSchema.shape);
  const set = Object.entries(environment).filter(([name, value]) => known.includes(name) && value !== '');
  const parsed = environmentSchema.safeParse(Object.fromEntries(set));
  if (!parsed.success) {
    throw new InvalidConfigError(
      parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    );
  }
  const config = parsed.data;
  const RECOMMENDER = config.RECOMMENDER ?? (config.OPENAI_API_KEY === undefined ? 'local' : 'openai');
  const problems = contradictions({ ...config, RECOMMENDER });
  if (problems.length > 0) throw new InvalidConfigError(problems);
  return { ...config, RECOMMENDER };
}

function contradictions(config: Config): string[] {
  const problems: string[] = [];
  if (!isLoopback(config.HOST) && !config.ALLOW_UNAUTHENTICATED) {
    problems.push(
      'HOST: callers are not authenticated, so the service listens on loopback only; ' +
        'set ALLOW_UNAUTHENTICATED=true if everybody who reaches this address may act',
    );
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
  config.DATABASE_URL === undefined && isLoopback(config.HOST);
