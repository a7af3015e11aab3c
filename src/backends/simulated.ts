import { canonicalJson, sha256Hex } from '../domain/hash.ts';
import type { SimulatedBackendSpec } from '../domain/playbook.ts';
import type { Backend, BackendCall } from './port.ts';

export type SimulatedBackendOptions = {
  readonly route: string;
  readonly spec: SimulatedBackendSpec;
  readonly clock: { readonly monotonicMs: () => number; readonly sleep: (ms: number) => Promise<unknown> };
};

/**
 * A backend that calls nobody, for trying things out. Which calls fail is a function of the idempotency key alone, so
 * a repeated attempt fails or succeeds like the first.
 */
export function createSimulatedBackend({ route, spec, clock }: SimulatedBackendOptions): Backend {
  const { timeoutMs, latencyMs, failureRate } = spec;
  const verdict = (call: BackendCall) => {
    if (latencyMs > timeoutMs) {
      return { result: 'UNKNOWN', errorType: 'TIMEOUT', responseDigest: null } as const;
    }
    if (share(call.idempotencyKey) < failureRate) {
      return { result: 'FAILED', errorType: 'SIMULATED_FAILURE', responseDigest: null } as const;
    }
    const answer = { simulated: true, route, intent: call.intent, idempotencyKey: call.idempotencyKey };
    return {
      result: 'SUCCEEDED',
      errorType: null,
      responseDigest: sha256Hex(canonicalJson(answer)),
    } as const;
  };
  return {
    route,
    kind: 'simulated',
    idempotent: spec.idempotent,
    timeoutMs,
    describe: () =>
      `${route}: simulated, calls nobody${failureRate > 0 ? `, failure rate ${failureRate}` : ''}`,
    call: async (call) => {
      const started = clock.monotonicMs();
      if (latencyMs > 0) await clock.sleep(Math.min(latencyMs, timeoutMs));
      return { ...verdict(call), durationMs: Math.round(clock.monotonicMs() - started) };
    },
  };
}

/** A number in [0, 1) that depends on the key only, evenly spread. */
const share = (key: string): number => Number.parseInt(sha256Hex(key).slice(0, 12), 16) / 2 ** 48;
