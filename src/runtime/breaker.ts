import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhenResult } from 'cockatiel';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { Observer } from './observer.ts';

/** What one call says of the dependency: it works, it does not, or nothing at all. */
export type Health = 'up' | 'down' | 'unjudged';

export type CircuitSettings = {
  /** After so many failures in a row nothing is sent any more. */
  readonly failures: number;
  /** For so many milliseconds; then one call goes through, and its result decides. */
  readonly openMs: number;
};

/** Who is told of a circuit that opens and closes. */
export type CircuitWatch = {
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly observer: Pick<Observer, 'circuit'>;
};

export type Breaker = {
  /**
   * Whether a call may be made ready now. Where the circuit is about to let one call through on probation, one of those who ask
   * is told yes, and the others no for a moment: each yes may cost an attempt.
   */
  readonly available: () => boolean;
  /** Whether a call would go through at this moment. */
  readonly mayCall: () => boolean;
  /**
   * Does the work if the circuit lets it through, and learns from what `judge` says of its result. What was begun before
   * the circuit last opened or closed says nothing of the dependency as it is now, and is not judged. Work that rejects neither.
   *
   * @param otherwise the result where the work must not be done
   */
  readonly guard: <T>(work: () => Promise<T>, judge: (result: T) => Health, otherwise: T) => Promise<T>;
};

export type BreakerOptions = CircuitSettings & {
  /** The name in logs and metrics. */
  readonly dependency: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly watch?: CircuitWatch | undefined;
};

/** How long whoever was told yes has for the probe, in milliseconds, before somebody else is. */
const PROBE_RESERVED_MS = 2_000;

/**
 * A circuit breaker for one dependency of this process: it opens after `failures` failures in a row, and after `openMs` it
 * lets one call through at a time until one succeeds.
 *
 * The library counts and keeps the state. When a probe may go is decided here, because there it is the wall clock that decides, which
 * jumps, and because there whoever comes during a probe waits for its end.
 */
export function createBreaker(options: BreakerOptions): Breaker {
  const { dependency, failures, openMs, clock, watch } = options;
  const policy = circuitBreaker(
    handleWhenResult((health) => health === 'down'),
    { breaker: new ConsecutiveBreaker(failures), halfOpenAfter: Number.NEGATIVE_INFINITY },
  );
  let probeFrom = 0;
  let reservedUntil = 0;
  let probing = false;
  let changes = 0;
  policy.onBreak(() => {
    changes += 1;
    probeFrom = clock.monotonicMs() + openMs;
    reservedUntil = 0;
    watch?.observer.circuit(dependency, 'open');
    watch?.logger.warn({ dependency, openMs }, 'a dependency fails: for a while nothing is sent to it');
  });
  policy.onReset(() => {
    changes += 1;
    watch?.observer.circuit(dependency, 'closed');
    watch?.logger.info({ dependency }, 'a dependency works again');
  });
  watch?.observer.circuit(dependency, 'closed');

  const isClosed = (): boolean => policy.state === CircuitState.Closed;
  const mayCall = (): boolean => isClosed() || (!probing && clock.monotonicMs() >= probeFrom);
  return {
    mayCall,
    available: () => {
      if (isClosed()) return true;
      const now = clock.monotonicMs();
      if (!mayCall() || now < reservedUntil) return false;
      reservedUntil = now + PROBE_RESERVED_MS;
      return true;
    },
    guard: async (work, judge, otherwise) => {
      if (!mayCall()) return otherwise;
      const isProbe = !isClosed();
      if (isProbe) {
        probing = true;
        watch?.observer.circuit(dependency, 'halfOpen');
        watch?.logger.info({ dependency }, 'a dependency that failed is tried with one call');
      }
      const begun = changes;
      try {
        const result = await work();
        const health = begun === changes ? judge(result) : 'unjudged';
        if (health !== 'unjudged') await policy.execute(() => health);
        return result;
      } finally {
        if (isProbe) probing = false;
      }
    },
  };
}
