/** Where tasks go, and in whose words. `case-task` is this project's own route; every peer has `task`. */
export type Target = { readonly urls: readonly string[]; readonly dialect: 'task' | 'case-task' };

/** One run of the load generator. */
export type LoadOrder = {
  readonly target: Target;
  /** Keys are this and a number, so that no run repeats another one's. */
  readonly prefix: string;
  /** Tasks take turns on so many cases; 1: all on one. */
  readonly cases: number;
  /** Tasks of one case one after another, where the contestant has a notion of that. */
  readonly serial: boolean;
  /** Closed loop: so many requests in flight at any time. Open loop: the most connections. */
  readonly connections: number;
  /** Tasks a second that arrive whether or not earlier ones are answered; null: closed loop. */
  readonly ratePerSecond: number | null;
  /** Counted only after so long; a closed loop starts up during the first half of it. */
  readonly warmSeconds: number;
  readonly seconds: number;
};

/** Milliseconds. */
export type Latency = {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
};

export type LoadResult = {
  /** Tasks that were answered, in the warm-up and at the end too. */
  readonly answered: number;
  /** Tasks that were answered while it counted. */
  readonly measured: number;
  /** Answers 429 and 503; the same task was sent again a little later. */
  readonly refused: number;
  /** Tasks with any other answer than the one that was due, or none. */
  readonly failed: number;
  readonly firstFailure: string | null;
  /** Of the tasks that were measured. */
  readonly latency: Latency;
};

/** Cases of the ordinary runs; a hot run's only case is the first. */
export const caseIdOf = (number: number): string => `B${number}`;
