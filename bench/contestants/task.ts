/** What a contestant is asked to do. */
export type Task = {
  readonly caseId: string;
  readonly description: string;
  /** The idempotency key: the same key is the same task. */
  readonly key: string;
  /** Tasks of this case one after another, where the contestant has a notion of that. */
  readonly serial?: boolean;
};

/** What became of a task: done without a person, or left to one. */
export type Outcome = 'AUTO_SUCCESS' | 'MANUAL';

/** The answer of `POST /task`. */
export type Answer = {
  readonly key: string;
  readonly outcome: Outcome;
  readonly decision: unknown;
};
