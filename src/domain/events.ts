import type { Decision } from './decision.ts';
import type { AttributeValue, CommandKey, Event, Sealed } from './eventParts.ts';
import type { Facts, Limits } from './facts.ts';
import type { GuardrailResult } from './guardrails.ts';
import type { ReviewClaimed, ReviewDecided, ReviewOverdue, ReviewReleased } from './reviewEvents.ts';
import type { LogSealed } from './seal.ts';
import type {
  AttemptResult,
  CaseState,
  DecisionSource,
  PauseScope,
  Priority,
  ResolutionSource,
  RetryReason,
  VerdictKind,
} from './vocabulary.ts';

export type { AttributeValue, CommandKey, Sealed } from './eventParts.ts';
export type {
  ReviewClaimed,
  ReviewDecided,
  ReviewedAction,
  ReviewOverdue,
  ReviewReleased,
} from './reviewEvents.ts';

export type CaseOpened = Event<
  'CaseOpened',
  {
    priority: Priority;
    lastErrorType: string | null;
    retryCount: number;
    attributes: Readonly<Record<string, AttributeValue>>;
    personalAttributes: Readonly<Record<string, Sealed>>;
    /** Keyed hash of everything that opened the case, to tell a repeat from another request. */
    contentHash: string;
  }
>;
export type CaseStateChanged = Event<
  'CaseStateChanged',
  { from: CaseState; to: CaseState; reason: string; command: CommandKey | null }
>;
export type CaseNoteAdded = Event<'CaseNoteAdded', { text: Sealed; command: CommandKey | null }>;
/** The key of the case is destroyed: from here on nobody reads its personal text, and nothing is done for it. Its reason is a code. */
export type CaseErased = Event<'CaseErased', { reason: string; command: CommandKey | null }>;
export type TaskReceived = Event<
  'TaskReceived',
  {
    taskId: string;
    description: Sealed;
    channel: string;
    userRole: string;
    idempotencyKeyHash: string;
    requestHash: string;
  }
>;
export type DecisionRecommended = Event<
  'DecisionRecommended',
  {
    taskId: string;
    decision: Decision;
    source: DecisionSource;
    /** What went wrong, where the decision is a fallback. */
    fallbackCause: string | null;
    provider: string;
    model: string | null;
    promptHash: string | null;
    playbookHash: string;
    usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
    durationMs: number;
    /** What the model said, where it broke the contract; cut at 16 KiB. */
    rawText: Sealed | null;
  }
>;
/** On whose word a verdict is made: a reviewer may override rules that failed, each of them named. */
export type VerdictAuthority =
  | { readonly kind: 'policy' }
  | { readonly kind: 'reviewer'; readonly reviewer: string; readonly overrides: readonly string[] };

/** What a candidate policy says of the same facts: recorded, counted, never acted on. */
export type ShadowVerdict = {
  readonly policyVersion: string;
  readonly policyHash: string;
  readonly verdict: VerdictKind;
  readonly guardrails: readonly GuardrailResult[];
  /** The only facts that differ by policy; all others are those of the verdict itself. */
  readonly limits: Limits;
};

export type GuardrailEvaluated = Event<
  'GuardrailEvaluated',
  {
    taskId: string;
    verdict: VerdictKind;
    policyVersion: string;
    policyHash: string;
    playbookHash: string;
    evaluator: string;
    attempt: number;
    authority: VerdictAuthority;
    facts: Facts;
    guardrails: readonly GuardrailResult[];
    /** Null where no shadow policy was loaded. */
    shadow: ShadowVerdict | null;
  }
>;
export type ActionStarted = Event<
  'ActionStarted',
  {
    taskId: string;
    actionId: string;
    attempt: number;
    backend: string;
    intent: string;
    /** Sent to the backend; the same for every attempt of this action. */
    idempotencyKey: string;
    /** From then on nobody sends anything for this attempt. */
    deadlineAt: string;
    /** Whether the backend only simulates. */
    simulated: boolean;
    /** Whether the backend is declared to do nothing twice for one idempotency key: only then may UNKNOWN be tried again. */
    idempotent: boolean;
    /** Whether the backend can be asked what became of a call: only then is UNKNOWN looked up. */
    lookup: boolean;
    authority: { readonly kind: 'policy' } | { readonly kind: 'reviewer'; readonly reviewer: string };
  }
>;
export type ActionExecuted = Event<
  'ActionExecuted',
  {
    taskId: string;
    actionId: string;
    attempt: number;
    result: AttemptResult;
    errorType: string | null;
    responseDigest: string | null;
    /** Null where nobody saw how long the call took. */
    durationMs: number | null;
    simulated: boolean;
  }
>;
/** A reviewer's word on what a backend did. */
export type OutcomeReview = {
  readonly reviewer: string;
  readonly reasonCode: string;
  readonly note: Sealed | null;
  readonly reviewedHash: string;
  readonly command: CommandKey | null;
};
/** More is known of an attempt that was recorded as UNKNOWN. */
export type ActionOutcomeResolved = Event<
  'ActionOutcomeResolved',
  {
    taskId: string;
    actionId: string;
    attempt: number;
    /** UNKNOWN where a lookup could not tell either. */
    result: AttemptResult;
    errorType: string | null;
    responseDigest: string | null;
    source: ResolutionSource;
    /** Who says so, where a reviewer does: what the backend really did. */
    review: OutcomeReview | null;
  }
>;
export type RetryScheduled = Event<
  'RetryScheduled',
  {
    taskId: string;
    /** The attempt that is to come; counts from 1. */
    attempt: number;
    /** Not before this time. */
    dueAt: string;
    reason: RetryReason;
  }
>;
export type RoutedToManual = Event<
  'RoutedToManual',
  { taskId: string; codes: readonly string[]; queue: string; dueBy: string }
>;
export type TaskCancelled = Event<'TaskCancelled', { taskId: string; reason: string }>;

/** Everything that can happen to a case, in the business's words. */
export type CaseEvent =
  | CaseOpened
  | CaseStateChanged
  | CaseNoteAdded
  | CaseErased
  | TaskReceived
  | DecisionRecommended
  | GuardrailEvaluated
  | ActionStarted
  | ActionExecuted
  | ActionOutcomeResolved
  | RetryScheduled
  | RoutedToManual
  | ReviewClaimed
  | ReviewReleased
  | ReviewDecided
  | ReviewOverdue
  | TaskCancelled;

/** Events that say something of one task. */
export type TaskEvent = Extract<CaseEvent, { data: { taskId: string } }>;

/** Whether an event of a case is about one of its tasks. */
export const isTaskEvent = <E extends CaseEvent>(event: E): event is E & TaskEvent => 'taskId' in event.data;

/** A policy or playbook entered the log, before its first use. */
export type SourceRegistered = Event<
  'PolicyRegistered' | 'PlaybookRegistered',
  { name: string; version: string; hash: string; source: string }
>;
/** The first event of a log. */
export type LogCreated = Event<'LogCreated', { logId: string }>;

/** Nothing is executed without a person any more, or is again: everything, one intent, or over one backend. */
export type AutomationEvent = Event<
  'AutomationPaused' | 'AutomationResumed',
  {
    scope: PauseScope;
    /** The intent or backend; null for everything. */
    name: string | null;
    /** A code: text about persons does not belong where it cannot be erased. */
    reason: string;
    command: CommandKey | null;
  }
>;

export type DomainEvent = CaseEvent | SourceRegistered | LogCreated | AutomationEvent | LogSealed;

/** Who did it, as authentication says (rule 10). */
export type Actor = {
  readonly kind: 'anonymous' | 'system' | 'person' | 'service';
  readonly id: string;
  readonly roles: readonly string[];
  readonly authMethod: 'none' | 'internal' | 'oidc' | 'api-key';
};

/** What surrounds every event (DESIGN section 5). */
export type EventMetadata = {
  readonly actor: Actor;
  /** The task that this belongs to; null outside of one. */
  readonly correlationId: string | null;
  /** The event that led to this one; null where a request did. */
  readonly causationId: string | null;
  /** ISO 8601, UTC, milliseconds; never earlier than the event before it in the stream. */
  readonly recordedAt: string;
  readonly schemaVersion: number;
  readonly traceparent: string | null;
  /** The hash of the event before it in the stream; null at revision 0. */
  readonly prevHash: string | null;
  readonly hash: string;
};

/** An event with its place in the log. */
export type Recorded<E extends DomainEvent = DomainEvent> = E & {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly metadata: EventMetadata;
};
