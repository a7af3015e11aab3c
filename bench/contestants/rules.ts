import { z } from 'zod';

/** The recommendation, as strictly as this project reads it: exactly these keys, these words, numbers from 0 to 1. */
const decisionSchema = z.strictObject({
  intent: z.enum(['RETRY_EXTERNAL_CALL', 'MANUAL_REVIEW', 'ESCALATE']),
  nextStep: z.enum(['AUTOMATED_EXECUTION', 'MANUAL_REVIEW']),
  routeTarget: z.enum(['PARTNER_API', 'CORE_SYSTEM']),
  retryStrategy: z.enum(['NONE', 'IMMEDIATE', 'BACKOFF']),
  riskScore: z.number().min(0).max(1),
  confidence: z.number().min(0).max(1),
  reasonCode: z.enum(['TRANSIENT_TIMEOUT_PATTERN', 'VALIDATION_ERROR', 'UNKNOWN']),
});

export type Decision = z.infer<typeof decisionSchema>;

/**
 * Reads a model's text.
 *
 * @throws SyntaxError or ZodError where it is no decision
 */
export const parseDecision = (text: string): Decision => decisionSchema.parse(JSON.parse(text));

type Rule = { readonly code: string; readonly passes: (decision: Decision) => boolean };

const RULES: readonly Rule[] = [
  { code: 'CONFIDENCE_TOO_LOW', passes: ({ confidence }) => confidence >= 0.8 },
  { code: 'RISK_TOO_HIGH', passes: ({ riskScore }) => riskScore <= 0.3 },
  { code: 'INTENT_NOT_ALLOWED', passes: ({ intent }) => intent === 'RETRY_EXTERNAL_CALL' },
  { code: 'REVIEW_RECOMMENDED', passes: ({ nextStep }) => nextStep === 'AUTOMATED_EXECUTION' },
];

/** The codes of the rules that a decision fails; none: it may be executed. Plain code instead of a policy: the cheapest there is. */
export const judge = (decision: Decision): readonly string[] =>
  RULES.filter(({ passes }) => !passes(decision)).map(({ code }) => code);
