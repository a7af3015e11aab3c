/** The closed sets of words that events, API and database share (DESIGN section 2). */
export const PRIORITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export const CASE_STATES = ['OPEN', 'SUSPENDED', 'CLOSED'] as const;
export const OUTCOMES = ['MANUAL', 'AUTO_SUCCESS', 'AUTO_FAILED'] as const;
export const TASK_STATUSES = [
  'RECEIVED',
  'DECIDED',
  'EXECUTING',
  'RETRY_SCHEDULED',
  'OUTCOME_UNKNOWN',
  'IN_REVIEW',
  'COMPLETED',
  'REJECTED',
  'CANCELLED',
] as const;
export const ATTEMPT_RESULTS = ['SUCCEEDED', 'FAILED', 'UNKNOWN'] as const;
export const VERDICTS = ['EXECUTE', 'ROUTE_TO_MANUAL'] as const;
/**
 * How a shadow policy differs from the policy in force, the least dangerous first: not at all; it refuses what a reviewer has approved; it
 * routes to a person what was executed; it executes what was routed to a person.
 */
export const SHADOW_DIFFERENCES = ['NONE', 'WOULD_REFUSE', 'WOULD_ROUTE', 'WOULD_EXECUTE'] as const;
export const DECISION_SOURCES = ['model', 'local', 'fallback'] as const;
/** Where the decision comes from that a verdict is about: a reviewer may have put another one in its place. */
export const JUDGED_SOURCES = [...DECISION_SOURCES, 'reviewer'] as const;

/** Where the result of an attempt came from that was first recorded as UNKNOWN. */
export const RESOLUTION_SOURCES = ['LATE_ANSWER', 'LOOKUP', 'REVIEWER'] as const;
/** Why the next attempt waits. */
export const RETRY_REASONS = ['ATTEMPT_FAILED', 'ATTEMPT_UNKNOWN', 'BACKEND_UNAVAILABLE'] as const;

/** Codes of a task that goes to a person for another reason than a guardrail or the recommendation. */
export const ROUTING_CODES = [
  'ACTION_FAILED',
  'ACTION_OUTCOME_UNKNOWN',
  'BACKEND_UNAVAILABLE',
  'RETRY_BUDGET_EXHAUSTED',
] as const;

/** What a reviewer decides: the recommended action, another one, none, or that more must be known. */
export const REVIEW_RESOLUTIONS = ['APPROVED', 'EDITED', 'REJECTED', 'INFO_REQUESTED'] as const;
/** What automation can be paused for. */
export const PAUSE_SCOPES = ['ALL', 'INTENT', 'BACKEND'] as const;

export type Priority = (typeof PRIORITIES)[number];
export type CaseState = (typeof CASE_STATES)[number];
export type Outcome = (typeof OUTCOMES)[number];
export type TaskStatus = (typeof TASK_STATUSES)[number];
/** SUCCEEDED and FAILED are certain; UNKNOWN means sent, or perhaps sent, without a usable answer. */
export type AttemptResult = (typeof ATTEMPT_RESULTS)[number];
export type ResolutionSource = (typeof RESOLUTION_SOURCES)[number];
export type RetryReason = (typeof RETRY_REASONS)[number];
export type VerdictKind = (typeof VERDICTS)[number];
export type ShadowDifference = (typeof SHADOW_DIFFERENCES)[number];
export type DecisionSource = (typeof DECISION_SOURCES)[number];
export type JudgedSource = (typeof JUDGED_SOURCES)[number];
export type ReviewResolution = (typeof REVIEW_RESOLUTIONS)[number];
export type PauseScope = (typeof PAUSE_SCOPES)[number];
export type RoutingCode = (typeof ROUTING_CODES)[number];
