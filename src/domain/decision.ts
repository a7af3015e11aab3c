export const NEXT_STEPS = ['AUTOMATED_EXECUTION', 'MANUAL_REVIEW'] as const;
export const RETRY_STRATEGIES = ['NONE', 'IMMEDIATE', 'BACKOFF'] as const;
export type NextStep = (typeof NEXT_STEPS)[number];
export type RetryStrategy = (typeof RETRY_STRATEGIES)[number];

/** The intent that every playbook has: hand the task to a person. */
export const MANUAL_REVIEW = 'MANUAL_REVIEW';

/** Why a fallback stands in for a recommendation. Reserved: never offered to a model (DESIGN section 6). */
export const FALLBACK_REASONS = [
  'AI_UNAVAILABLE',
  'AI_RATE_LIMITED',
  'AI_TIMEOUT',
  'AI_REFUSED',
  'AI_INVALID_RESPONSE',
] as const;
export type FallbackReason = (typeof FALLBACK_REASONS)[number];

/** A recommendation under the decision contract. It permits nothing. */
export type Decision = {
  readonly intent: string;
  readonly nextStep: NextStep;
  readonly routeTarget: string;
  readonly retryStrategy: RetryStrategy;
  /** 0 (harmless) to 1. */
  readonly riskScore: number;
  /** 0 to 1 (certain). */
  readonly confidence: number;
  readonly reasonCode: string;
};
