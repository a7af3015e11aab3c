import { z } from 'zod';
import { MANUAL_REVIEW, NEXT_STEPS, RETRY_STRATEGIES } from './decision.ts';
import { sha256Hex } from './hash.ts';
import { upperName } from './identifiers.ts';
import { InvalidSourceError, type LineOf, parseYaml, type SourceProblem } from './yaml.ts';

const milliseconds = z.int().min(1).max(600_000);
const statusCodes = z.array(z.int().min(100).max(599));

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an absolute http(s) URL' });

/** How an http backend is asked whether an earlier call had its effect. */
const lookup = z.strictObject({
  method: z.enum(['GET', 'POST']).default('GET'),
  url: httpUrl,
  headers: z.record(z.string(), z.string()).default({}),
  /** Which status codes mean that the effect happened and which that it did not and never will; all else is UNKNOWN. */
  success: statusCodes.min(1).default([200]),
  /** Empty unless said otherwise: most backends do not know a request yet that is still on its way to them. */
  failure: statusCodes.default([]),
});

const httpBackend = z.strictObject({
  kind: z.literal('http'),
  method: z.enum(['POST', 'PUT', 'PATCH', 'GET', 'DELETE']),
  /** Host and path are fixed except for `{placeholder}` segments, whose values are encoded. */
  url: httpUrl,
  headers: z.record(z.string(), z.string()).default({}),
  /** A JSON value whose strings may hold `{placeholder}`s. */
  body: z.json().optional(),
  idempotent: z.boolean(),
  timeoutMs: milliseconds.default(5000),
  concurrency: z.int().min(1).max(1000).default(32),
  /** Which status codes mean success and which mean that the effect surely did not happen; all else is UNKNOWN. */
  success: statusCodes.min(1).default([200, 201, 202, 204]),
  failure: statusCodes.default([400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429]),
  /** Hosts that may resolve to private addresses. */
  allowPrivateHosts: z.array(z.string()).default([]),
  lookup: lookup.optional(),
  /** After so many failures of the backend in a row nothing is sent to it for `openMs`; then one call tries. */
  breaker: z
    .strictObject({
      failures: z.int().min(1).max(1000).default(5),
      openMs: milliseconds.default(10_000),
    })
    .prefault({}),
});

const simulatedBackend = z.strictObject({
  kind: z.literal('simulated'),
  idempotent: z.boolean().default(true),
  timeoutMs: milliseconds.default(5000),
  latencyMs: z.int().min(0).max(60_000).default(0),
  /** Share of calls that fail, 0 to 1; which ones is a function of the idempotency key alone. */
  failureRate: z.number().min(0).max(1).default(0),
  /** Whether it can be asked what became of a call. */
  lookup: z.boolean().default(false),
});

const intent = z.strictObject({
  description: z.string().min(1),
  /** False for an intent that needs parameters, which a decision does not carry yet: such an intent is never executed. */
  automatable: z.boolean(),
  /** Route targets that this intent may take. */
  routes: z.array(upperName).default([]),
  /** What the local recommender answers for this intent. */
  defaults: z.strictObject({
    nextStep: z.enum(NEXT_STEPS),
    routeTarget: upperName,
    retryStrategy: z.enum(RETRY_STRATEGIES),
    riskScore: z.number().min(0).max(1),
    reasonCode: upperName,
  }),
  examples: z.array(z.string().min(1)).default([]),
});

const playbookSource = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  fallbackRoute: upperName,
  reasonCodes: z.array(upperName).min(1),
  /** What the model is told before it sees a task. */
  prompt: z.string().min(1),
  intents: z.record(upperName, intent),
  /** Backends by route target. */
  backends: z.record(upperName, z.discriminatedUnion('kind', [httpBackend, simulatedBackend])),
});

export type HttpBackendSpec = z.infer<typeof httpBackend>;
export type LookupSpec = z.infer<typeof lookup>;
export type SimulatedBackendSpec = z.infer<typeof simulatedBackend>;
export type IntentSpec = z.infer<typeof intent>;

/** What can be recommended and how it is carried out; `hash` is the SHA-256 of the source text. */
export type Playbook = z.infer<typeof playbookSource> & { readonly hash: string; readonly source: string };

/** What a part outside of the domain has to say against a playbook; `path` leads to the key. */
export type PlaybookCheck = (
  playbook: Playbook,
) => readonly { readonly path: readonly (string | number)[]; readonly message: string }[];

/**
 * Reads a playbook from its YAML source.
 *
 * @param file the name used in messages
 * @param check a further check, such as that of the backends' adapters
 * @throws InvalidSourceError naming file, line and key of everything that is wrong
 */
export function parsePlaybook(source: string, file: string, check: PlaybookCheck = () => []): Playbook {
  const { value, lineOf } = parseYaml(source, file, playbookSource);
  const playbook = { ...value, source, hash: sha256Hex(source) };
  const problems = inconsistencies(value, file, lineOf);
  for (const { path, message } of check(playbook)) {
    problems.push({ file, line: lineOf(path), path: path.join('.'), message });
  }
  if (problems.length > 0) throw new InvalidSourceError(problems);
  return playbook;
}

function inconsistencies(
  playbook: z.infer<typeof playbookSource>,
  file: string,
  lineOf: LineOf,
): SourceProblem[] {
  const problems: SourceProblem[] = [];
  const report = (path: readonly (string | number)[], message: string): void => {
    problems.push({ file, line: lineOf(path), path: path.join('.'), message });
  };
  const routes = Object.keys(playbook.backends);
  const unknownRoute = (route: string): string =>
    `${route} is not a backend of this playbook (${routes.join(', ')})`;
  if (!routes.includes(playbook.fallbackRoute))
    report(['fallbackRoute'], unknownRoute(playbook.fallbackRoute));
  playbook.reasonCodes.forEach((code, index) => {
    if (code.startsWith('AI_')) report(['reasonCodes', index], 'codes that begin with AI_ are reserved');
  });
  if (!(MANUAL_REVIEW in playbook.intents)) report(['intents'], `the intent ${MANUAL_REVIEW} is missing`);
  for (const [intentName, spec] of Object.entries(playbook.intents)) {
    const at = (...path: (string | number)[]): (string | number)[] => ['intents', intentName, ...path];
    if (intentName === MANUAL_REVIEW && spec.automatable) report(at('automatable'), 'must be false here');
    if (spec.automatable && spec.routes.length === 0)
      report(at('routes'), 'an automatable intent needs a route');
    spec.routes.forEach((route, index) => {
      if (!routes.includes(route)) report(at('routes', index), unknownRoute(route));
    });
    if (!routes.includes(spec.defaults.routeTarget)) {
      report(at('defaults', 'routeTarget'), unknownRoute(spec.defaults.routeTarget));
    }
    if (!playbook.reasonCodes.includes(spec.defaults.reasonCode)) {
      report(at('defaults', 'reasonCode'), `${spec.defaults.reasonCode} is not among reasonCodes`);
    }
  }
  return problems;
}
