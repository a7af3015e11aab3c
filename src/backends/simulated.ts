import { canonicalJson, sha256Hex } from '../domain/hash.ts';
import type { SimulatedBackendSpec } from '../domain/playbook.ts';
import type { Backend, BackendAnswer, BackendCall } from './port.ts';

export type SimulatedBackendOptions = {
  readonly route: string;
  readonly spec: SimulatedBackendSpec;
  readonly clock: { readonly monotonicMs: () => number; readonly sleep: (ms: number) => Promise<unknown> };
};

type Verdict = Omit<BackendAnswer, 'durationMs'>;

/**
 * A backend that calls nobody, for trying things out. Which calls fail is a function of the idempotency key alone, so
 * a repeated attempt fails or succeeds like the first, and a lookup tells what the call came to or would have come to.
 */
export function createSimulatedBackend({ route, spec, clock }: SimulatedBackendOptions): Backend {
  const { timeoutMs, latencyMs, failureRate } = spec;
  const effect = (call: BackendCall): Verdict => {
    if (share(call.idempotencyKey) < failureRate) return without('FAILED', 'SIMULATED_FAILURE');
    const answer = { simulated: true, route, intent: call.intent, idempotencyKey: call.idempotencyKey };
    return { result: 'SUCCEEDED', errorType: null, responseDigest: sha256Hex(canonicalJson(answer)) };
  };
  const attempt = async (call: BackendCall): Promise<Verdict> => {
    const leftMs = Math.min(timeoutMs, call.deadlineMs - clock.monotonicMs());
    if (leftMs <= 0) return without('FAILED', 'NOT_SENT_IN_TIME');
    if (latencyMs > 0) await clock.sleep(Math.min(latencyMs, leftMs));
    return latencyMs > leftMs ? without('UNKNOWN', 'TIMEOUT') : effect(call);
  };
  return {
    route,
    kind: 'simulated',
    idempotent: spec.idempotent,
    timeoutMs,
    available: () => true,
    describe: () =>
      `${route}: simulated, calls nobody${failureRate > 0 ? `, failure rate ${failureRate}` : ''}`,
    call: async (call) => {
      const started = clock.monotonicMs();
      const verdict = await attempt(call);
      return { ...verdict, durationMs: Math.round(clock.monotonicMs() - started) };
    },
    lookUp: spec.lookup ? async (call) => ({ ...effect(call), durationMs: 0 }) : null,
  };
}

const without = (result: 'FAILED' | 'UNKNOWN', errorType: string): Verdict => ({
  result,
  errorType,
  responseDigest: null,
});

/** A number in [0, 1) that depends on the key only, evenly spread. */
const share = (key: string): number => Number.parseInt(sha256Hex(key).slice(0, 12), 16) / 2 ** 48;
