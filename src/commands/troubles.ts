import type { Clock } from '../runtime/clock.ts';

/** Tasks that this process failed to drive, and for how long it leaves each of them alone. */
export type Troubles = {
  /** Notes a failure. Returns for how long the task rests now, in milliseconds. */
  readonly add: (taskId: string) => number;
  readonly forget: (taskId: string) => void;
  readonly isResting: (taskId: string) => boolean;
};

const FIRST_REST_MS = 5_000;
const LONGEST_REST_MS = 300_000;
/** How many are remembered; the one that failed longest ago is forgotten first. */
const MOST = 500;

/** A stream that cannot be folded, or a defect, must not be tried anew in a tight loop: rests grow with every failure. */
export function createTroubles(clock: Pick<Clock, 'monotonicMs'>): Troubles {
  const known = new Map<string, { readonly restMs: number; readonly until: number }>();
  return {
    add: (taskId) => {
      const restMs = Math.min((known.get(taskId)?.restMs ?? FIRST_REST_MS / 2) * 2, LONGEST_REST_MS);
      known.delete(taskId);
      known.set(taskId, { restMs, until: clock.monotonicMs() + restMs });
      const [oldest] = known.keys();
      if (known.size > MOST && oldest !== undefined) known.delete(oldest);
      return restMs;
    },
    forget: (taskId) => {
      known.delete(taskId);
    },
    isResting: (taskId) => (known.get(taskId)?.until ?? 0) > clock.monotonicMs(),
  };
}
