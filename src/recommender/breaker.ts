import { type Breaker, type CircuitSettings, type CircuitWatch, createBreaker } from '../runtime/breaker.ts';
import type { Deadline } from './deadline.ts';
import type { FailedCall } from './openaiFailures.ts';
import { failed, type ModelOutcome } from './outcome.ts';

/**
 * A model that fails costs each task its fallback whether it is asked or not, so the circuit saves waiting only: it may take its time
 * to open, and should soon try again.
 */
const MODEL_CIRCUIT: CircuitSettings = { failures: 10, openMs: 5_000 };

const CIRCUIT_OPEN = failed('AI_UNAVAILABLE', 'circuit open');

/** What asking came to: an answer, or the last failed call. */
export type Asked = ModelOutcome | FailedCall;

export type ModelBreaker = {
  /** What stands in for a recommendation just now; null when the model may be asked. */
  readonly refusal: () => ModelOutcome | null;
  /** Asks, unless the circuit is open by then. */
  readonly guard: (ask: () => Promise<Asked>, deadline: Deadline) => Promise<ModelOutcome>;
};

/** The circuit breaker of the model; its name in logs and metrics is `model`, which no route target can be. */
export function createModelBreaker(options: {
  readonly clock: { readonly monotonicMs: () => number };
  readonly watch?: CircuitWatch | undefined;
  readonly circuit?: CircuitSettings | undefined;
}): ModelBreaker {
  const { clock, watch, circuit = MODEL_CIRCUIT } = options;
  const breaker: Breaker = createBreaker({ dependency: 'model', ...circuit, clock, watch });
  return {
    refusal: () => (breaker.mayCall() ? null : CIRCUIT_OPEN),
    guard: async (ask, deadline) => {
      const asked = await breaker.guard<Asked>(
        ask,
        (result) => {
          // On shutdown: it says nothing of the model.
          if (deadline.reason() === 'cancelled') return 'unjudged';
          const down = deadline.reason() === 'timeout' || ('failure' in result && result.outage);
          return down ? 'down' : 'up';
        },
        CIRCUIT_OPEN,
      );
      return 'failure' in asked ? asked.failure : asked;
    },
  };
}
