import { ProblemError } from './problems.ts';

/** The bounds of what is taken in: what is over them is refused at once, before it takes memory or a connection. */
export type Intake = {
  /**
   * Receives a new task, or a repeat.
   *
   * @throws ProblemError overloaded, and nothing was done
   */
  readonly receive: <T>(work: () => Promise<T>) => Promise<T>;
  /** Waits, where not too many wait already; otherwise the result is `otherwise` at once. */
  readonly wait: <T>(work: () => Promise<T>, otherwise: T) => Promise<T>;
};

/** How many may be on their way into the log at one time. A refusal at once is better than one after queueing for a connection. */
const MOST_RECEIVING = 400;

/**
 * @param inFlight how many tasks this process drives
 * @param most tasks in flight, those on their way in included; and requests that wait for an outcome
 */
export function createIntake(inFlight: () => number, most: number): Intake {
  let receiving = 0;
  let waiting = 0;
  return {
    receive: async (work) => {
      if (receiving + inFlight() >= most) {
        throw new ProblemError('overloaded', `${most} tasks are in flight; nothing was recorded`);
      }
      if (receiving >= MOST_RECEIVING) {
        throw new ProblemError(
          'overloaded',
          `${MOST_RECEIVING} tasks are just being received; nothing was recorded`,
        );
      }
      receiving += 1;
      try {
        return await work();
      } finally {
        receiving -= 1;
      }
    },
    wait: async (work, otherwise) => {
      if (waiting >= most) return otherwise;
      waiting += 1;
      try {
        return await work();
      } finally {
        waiting -= 1;
      }
    },
  };
}
