import { FALLBACK_REASONS } from './decision.ts';
import { DERIVED_LIMITS } from './facts.ts';
import type { Playbook } from './playbook.ts';
import type { PolicySource, Report } from './policySource.ts';
import { checkQueues } from './queueChecks.ts';
import { ROUTING_CODES } from './vocabulary.ts';

/**
 * Holds a policy against itself and the playbook that it is used with; what its rules say is left to the compiler.
 *
 * @param guardrailCodes the codes that its guardrails give, the domain's own among them
 */
export function checkPolicy(
  policy: PolicySource,
  guardrailCodes: readonly string[],
  playbook: Playbook,
  report: Report,
): void {
  checkLimits(policy.limits, report);
  checkPermissions(policy, playbook, report);
  checkCodes(policy, guardrailCodes, report);
  checkQueues(policy, report);
  checkReviews(policy, playbook, report);
  checkRetries(policy.retries, report);
}

function checkLimits(limits: PolicySource['limits'], report: Report): void {
  for (const derived of DERIVED_LIMITS) {
    if (derived in limits) report(['limits', derived], 'is filled in by the system; choose another name');
  }
}

function checkRetries(
  { firstPauseSeconds, longestPauseSeconds }: PolicySource['retries'],
  report: Report,
): void {
  if (longestPauseSeconds >= firstPauseSeconds) return;
  report(
    ['retries', 'longestPauseSeconds'],
    `must be at least firstPauseSeconds (${firstPauseSeconds}), but is ${longestPauseSeconds}`,
  );
}

/** A code that nothing ever gives would send its tasks to the default queue without a word. */
function checkCodes(policy: PolicySource, guardrailCodes: readonly string[], report: Report): void {
  const known = new Set<string>([...guardrailCodes, ...ROUTING_CODES, ...FALLBACK_REASONS]);
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

function checkReviews({ reviews, roles }: PolicySource, playbook: Playbook, report: Report): void {
  reviews.supervisors.forEach((role, index) => {
    if (roles.includes(role)) return;
    report(['reviews', 'supervisors', index], `${role} is not among roles (${roles.join(', ')})`);
  });
  reviews.fourEyes.intents.forEach((intent, index) => {
    if (Object.hasOwn(playbook.intents, intent)) return;
    report(
      ['reviews', 'fourEyes', 'intents', index],
      `${intent} is not an intent of the playbook ${playbook.name} (${Object.keys(playbook.intents).join(', ')})`,
    );
  });
}
