import { z } from 'zod';
import {
  type Decision,
  type FallbackReason,
  MANUAL_REVIEW,
  NEXT_STEPS,
  RETRY_STRATEGIES,
} from './decision.ts';
import type { Playbook } from './playbook.ts';

/**
 * The contract that a recommendation must keep, with the words of one playbook: exactly these keys,
 * intents, routes and reason codes that the playbook names, numbers in [0, 1].
 */
export function decisionContract(playbook: Playbook): z.ZodType<Decision> {
  return z.strictObject({
    intent: z.enum(Object.keys(playbook.intents)),
    nextStep: z.enum(NEXT_STEPS),
    routeTarget: z.enum(Object.keys(playbook.backends)),
    retryStrategy: z.enum(RETRY_STRATEGIES),
    riskScore: z.number().min(0).max(1),
    confidence: z.number().min(0).max(1),
    reasonCode: z.enum(playbook.reasonCodes),
  });
}

const structure = z.strictObject({
  intent: z.string(),
  nextStep: z.enum(NEXT_STEPS),
  routeTarget: z.string(),
  retryStrategy: z.enum(RETRY_STRATEGIES),
  riskScore: z.number().min(0).max(1),
  confidence: z.number().min(0).max(1),
  reasonCode: z.string(),
});

/** Whether a value has the form of a decision, whatever its words: what has not can be recorded nowhere. */
export const isDecision = (value: unknown): boolean => structure.safeParse(value).success;

/** The decision that stands in when no recommendation could be had (DESIGN section 6). */
export function fallbackDecision(playbook: Playbook, reasonCode: FallbackReason): Decision {
  return {
    intent: MANUAL_REVIEW,
    nextStep: 'MANUAL_REVIEW',
    routeTarget: playbook.fallbackRoute,
    retryStrategy: 'NONE',
    riskScore: 0.9,
    confidence: 0,
    reasonCode,
  };
}
