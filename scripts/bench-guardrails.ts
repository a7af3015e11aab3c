import { readFileSync } from 'node:fs';
import { Environment } from '@marcbachmann/cel-js';
import type { Facts } from '../src/domain/facts.ts';
import { evaluateGuardrails, limitsFor } from '../src/domain/guardrails.ts';
import { parsePlaybook } from '../src/domain/playbook.ts';
import { parsePolicy } from '../src/domain/policy.ts';

/** Verdicts a second of the default policy: evaluation with results and recorded values, as the loop does it. */
const SECONDS = 2;
const playbook = parsePlaybook(readFileSync('config/playbook.yaml', 'utf8'), 'config/playbook.yaml');
const policy = parsePolicy(readFileSync('config/policy.yaml', 'utf8'), 'config/policy.yaml', playbook);
const facts: Facts = {
  decision: {
    intent: 'RETRY_EXTERNAL_CALL',
    nextStep: 'AUTOMATED_EXECUTION',
    routeTarget: 'PARTNER_API',
    retryStrategy: 'BACKOFF',
    riskScore: 0.1,
    confidence: 0.95,
    reasonCode: 'TRANSIENT_TIMEOUT_PATTERN',
    source: 'model',
  },
  case: { state: 'OPEN', priority: 'MEDIUM', retryCount: 1, lastErrorType: 'TIMEOUT' },
  task: { channel: 'SYSTEM', userRole: 'OPS', attempt: 1 },
  signals: { negated: false, uncertain: false, severalRequests: false, instructsSystem: false },
  automation: { paused: false },
  limits: limitsFor(policy, playbook, 'RETRY_EXTERNAL_CALL'),
};

const perSecond = (work: () => void): number => {
  for (let warm = 0; warm < 10_000; warm += 1) work();
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < SECONDS * 1000) {
    for (let batch = 0; batch < 1000; batch += 1) work();
    count += 1000;
  }
  return Math.round(count / ((performance.now() - start) / 1000));
};

const single = new Environment()
  .registerVariable({ name: 'decision', schema: { confidence: 'double' } })
  .parse('decision.confidence >= 0.8');
const verdicts = perSecond(() => evaluateGuardrails(policy, facts));
const rules = perSecond(() => single({ decision: facts.decision }));
process.stdout.write(
  `${verdicts} verdicts/s of ${policy.guardrails.length} rules each; ${rules} evaluations/s of one bare expression\n`,
);
