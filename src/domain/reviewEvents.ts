import type { CommandKey, Event, Sealed } from './eventParts.ts';
import type { ReviewResolution } from './vocabulary.ts';

/** A reviewer has a task to themselves until the lease ends; the same reviewer again renews it. */
export type ReviewClaimed = Event<
  'ReviewClaimed',
  {
    taskId: string;
    reviewer: string;
    leaseUntil: string;
    /** Whose claim a supervisor has taken over; null where nobody had one. */
    takenFrom: string | null;
    command: CommandKey | null;
  }
>;
export type ReviewReleased = Event<
  'ReviewReleased',
  {
    taskId: string;
    /** Whose claim ends; a supervisor may end another one's. */
    reviewer: string;
    command: CommandKey | null;
  }
>;
/** What is to be executed in the name of a reviewer. */
export type ReviewedAction = { readonly intent: string; readonly routeTarget: string };
export type ReviewDecided = Event<
  'ReviewDecided',
  {
    taskId: string;
    reviewer: string;
    resolution: ReviewResolution;
    reasonCode: string;
    note: Sealed | null;
    /** Hash of everything that was shown, and the revision that it was shown at. */
    reviewedHash: string;
    reviewedRevision: number;
    /** What APPROVED and EDITED let be executed; null otherwise. */
    action: ReviewedAction | null;
    /** Guardrails that failed and were overridden. */
    overrides: readonly string[];
    /** An approval that takes effect only with that of a second person. */
    awaitsSecond: boolean;
    command: CommandKey | null;
  }
>;
/** Nobody has decided in time. It changes where the task waits, never what may be done. */
export type ReviewOverdue = Event<
  'ReviewOverdue',
  {
    taskId: string;
    queue: string;
    dueBy: string;
    /** Where it waits from now on; null where the policy names no further queue. */
    escalatedTo: { readonly queue: string; readonly dueBy: string } | null;
  }
>;
