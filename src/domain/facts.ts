import type { Decision } from './decision.ts';
import type { Signals } from './signals.ts';
import type { CaseState, JudgedSource, Priority } from './vocabulary.ts';

/**
 * Everything that a guardrail may read, as recorded in the event. No free text is among it, and nothing here was
 * supplied by the model but `decision`.
 */
export type Facts = {
  readonly decision: Decision & { readonly source: JudgedSource };
  readonly case: {
    readonly state: CaseState;
    readonly priority: Priority;
    readonly retryCount: number;
    /** Empty where the case has no error. */
    readonly lastErrorType: string;
  };
  readonly task: { readonly channel: string; readonly userRole: string; readonly attempt: number };
  readonly signals: Signals;
  /** Whether automation is paused for this intent or over this route. */
  readonly automation: { readonly paused: boolean };
  readonly limits: Limits;
};

/** The policy's numbers, and what policy and playbook permit for the recommended intent. */
export type Limits = {
  readonly maxAttempts: number;
  /** Whether the playbook lets the intent be executed at all. */
  readonly automatable: boolean;
  /** Roles that may have the intent executed. */
  readonly roles: readonly string[];
  /** Routes that the intent may take: those that both policy and playbook name. */
  readonly routes: readonly string[];
  readonly [name: string]: number | boolean | readonly string[];
};

/** The names under `limits` that the system fills in; a policy may not declare them. */
export const DERIVED_LIMITS = ['automatable', 'roles', 'routes'] as const;

/** The CEL type of every fact, field by field, so that a misspelt one is a load error. */
export const FACT_TYPES = {
  decision: {
    intent: 'string',
    nextStep: 'string',
    routeTarget: 'string',
    retryStrategy: 'string',
    riskScore: 'double',
    confidence: 'double',
    reasonCode: 'string',
    source: 'string',
  },
  case: { state: 'string', priority: 'string', retryCount: 'int', lastErrorType: 'string' },
  task: { channel: 'string', userRole: 'string', attempt: 'int' },
  signals: { negated: 'bool', uncertain: 'bool', severalRequests: 'bool', instructsSystem: 'bool' },
  automation: { paused: 'bool' },
} as const;

/** CEL types of the limits that the system fills in. */
export const DERIVED_LIMIT_TYPES = {
  automatable: 'bool',
  roles: 'list<string>',
  routes: 'list<string>',
} as const;
