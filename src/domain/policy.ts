import { z } from 'zod';
import { type CompiledRule, createCompiler, InvalidExpressionError } from './cel.ts';
import { FALLBACK_REASONS } from './decision.ts';
import { DERIVED_LIMITS } from './facts.ts';
import { sha256Hex } from './hash.ts';
import type { Playbook } from './playbook.ts';
import { ROUTING_CODES } from './vocabulary.ts';
import { InvalidSourceError, type LineOf, parseYaml, type SourceProblem } from './yaml.ts';

const upperName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'must be UPPER_SNAKE_CASE, at most 64 characters');
const lowerName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be lower-kebab-case, at most 64 characters');

const guardrailSource = z.strictObject({
  name: lowerName,
  code: upperName,
  expression: z.string().min(1),
  message: z.string().min(1).max(300),
  overridable: z.boolean(),
});
const queueTarget = { queue: lowerName, dueMinutes: z.int().min(1).max(525_600) };

/** How what failed is tried again, where the recommendation says so and the guardrails pass again. */
const retries = z.strictObject({
  /** Pause before the first BACKOFF retry; it doubles with each further one. */
  firstPauseSeconds: z.number().min(0.1).max(3_600).default(2),
  longestPauseSeconds: z.number().min(0.1).max(86_400).default(300),
  /** A task that is older than this when its retry would be due goes to a person instead. */
  budgetMinutes: z.number().min(0.1).max(10_080).default(60),
  /** What becomes of a task that may be executed while its backend is known to be down. */
  whenBackendDown: z.enum(['WAIT', 'MANUAL']).default('WAIT'),
});

const policySource = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  roles: z.array(upperName).min(1),
  channels: z.array(upperName).min(1),
  limits: z
    .record(z.string().regex(/^[a-z][A-Za-z0-9]{0,63}$/, 'must be lowerCamelCase'), z.number())
    .refine((limits) => Number.isInteger(limits.maxAttempts) && (limits.maxAttempts ?? 0) >= 1, {
      message: 'must hold maxAttempts, a whole number of at least 1',
    }),
  permissions: z.record(upperName, z.strictObject({ roles: z.array(upperName), routes: z.array(upperName) })),
  guardrails: z.array(guardrailSource).min(1),
  retries: retries.prefault({}),
  queues: z.array(z.strictObject({ ...queueTarget, codes: z.array(upperName).min(1) })).default([]),
  defaultQueue: z.strictObject(queueTarget),
});

/** One named rule, ready to be evaluated. */
export type Guardrail = z.infer<typeof guardrailSource> & { readonly rule: CompiledRule };

export type RetryRules = z.infer<typeof retries>;

/** What may be executed without a person; `hash` is the SHA-256 of the source text. */
export type Policy = Omit<z.infer<typeof policySource>, 'guardrails'> & {
  readonly guardrails: readonly Guardrail[];
  readonly hash: string;
  readonly source: string;
};

/** Rules of the domain itself: no policy can leave them out, and no reviewer can override them. */
const DOMAIN_GUARDRAILS: readonly z.infer<typeof guardrailSource>[] = [
  {
    name: 'intent-automatable',
    code: 'INTENT_NOT_AUTOMATABLE',
    expression: 'limits.automatable',
    message: 'The playbook does not let this intent be executed without a person.',
    overridable: false,
  },
  {
    name: 'route-permitted',
    code: 'ROUTE_NOT_PERMITTED',
    expression: 'decision.routeTarget in limits.routes',
    message: 'This intent may not take this route.',
    overridable: false,
  },
  {
    name: 'attempt-limit',
    code: 'ATTEMPT_LIMIT_REACHED',
    expression: 'task.attempt <= limits.maxAttempts',
    message: 'This task has been attempted as often as the policy allows.',
    overridable: false,
  },
];

/**
 * Reads a policy from its YAML source, compiles its rules and holds it against the playbook that it is used with.
 *
 * @param file the name used in messages
 * @throws InvalidSourceError naming file, line and rule of everything that is wrong
 */
export function parsePolicy(source: string, file: string, playbook: Playbook): Policy {
  const { value, lineOf } = parseYaml(source, file, policySource);
  const problems: SourceProblem[] = [];
  const report: Report = (path, message) => {
    problems.push({ file, line: lineOf(path), path: path.join('.'), message });
  };
  checkLimits(value.limits, report);
  checkPermissions(value, playbook, report);
  checkQueues(value, report);
  checkRetries(value.retries, report);
  const guardrails = compileGuardrails(value, report);
  if (problems.length > 0) throw new InvalidSourceError(problems);
  return { ...value, guardrails, source, hash: sha256Hex(source) };
}

type Report = (path: Parameters<LineOf>[0], message: string) => void;
type PolicySource = z.infer<typeof policySource>;

function compileGuardrails(policy: PolicySource, report: Report): Guardrail[] {
  const compile = createCompiler(Object.keys(policy.limits));
  const seen = new Set(DOMAIN_GUARDRAILS.map((guardrail) => guardrail.name));
  const compiled = DOMAIN_GUARDRAILS.map((guardrail) => ({
    ...guardrail,
    rule: compile(guardrail.expression),
  }));
  policy.guardrails.forEach((guardrail, index) => {
    if (seen.has(guardrail.name)) report(['guardrails', index, 'name'], `${guardrail.name} is there already`);
    seen.add(guardrail.name);
    try {
      compiled.push({ ...guardrail, rule: compile(guardrail.expression) });
    } catch (error) {
      if (!(error instanceof InvalidExpressionError)) throw error;
      report(['guardrails', index, 'expression'], `rule ${guardrail.name}: ${error.message}`);
    }
  });
  return compiled;
}

function checkLimits(limits: PolicySource['limits'], report: Report): void {
  for (const derived of DERIVED_LIMITS) {
    if (derived in limits) report(['limits', derived], 'is filled in by the system; choose another name');
  }
}

function checkRetries({ firstPauseSeconds, longestPauseSeconds }: RetryRules, report: Report): void {
  if (longestPauseSeconds >= firstPauseSeconds) return;
  report(
    ['retries', 'longestPauseSeconds'],
    `must be at least firstPauseSeconds (${firstPauseSeconds}), but is ${longestPauseSeconds}`,
  );
}

/** A code that nothing ever gives would send its tasks to the default queue without a word. */
function checkQueues(policy: PolicySource, report: Report): void {
  const guardrails = [...DOMAIN_GUARDRAILS, ...policy.guardrails].map(({ code }) => code);
  const known = new Set<string>([...guardrails, ...ROUTING_CODES, ...FALLBACK_REASONS]);
  policy.queues.forEach(({ codes }, queue) => {
    codes.forEach((code, index) => {
      if (known.has(code)) return;
      report(
        ['queues', queue, 'codes', index],
        `${code} is no code of a guardrail, ${[...ROUTING_CODES, ...FALLBACK_REASONS].join(', ')}`,
      );
    });
  });
}

function checkPermissions(policy: PolicySource, playbook: Playbook, report: Report): void {
  for (const [intent, permission] of Object.entries(policy.permissions)) {
    const at = ['permissions', intent];
    const spec = playbook.intents[intent];
    if (!spec) {
      report(at, `${intent} is not an intent of the playbook ${playbook.name}`);
      continue;
    }
    if (!spec.automatable) report(at, `${intent} is not automatable in the playbook ${playbook.name}`);
    permission.roles.forEach((role, index) => {
      if (!policy.roles.includes(role)) report([...at, 'roles', index], `${role} is not among roles`);
    });
    permission.routes.forEach((route, index) => {
      if (!spec.routes.includes(route))
        report([...at, 'routes', index], `${route} is not a route of ${intent}`);
    });
  }
}
