import pLimit from 'p-limit';
import type { HttpBackendSpec, LookupSpec } from '../domain/playbook.ts';
import type { CircuitWatch } from '../runtime/breaker.ts';
import { CIRCUIT_OPEN, createBackendBreaker } from './breaker.ts';
import type { Exchange } from './exchange.ts';
import { createGuardedConnector, type ResolveHost, resolveHost } from './guardedConnector.ts';
import { type BackendProblem, validateHttpBackend } from './httpProblems.ts';
import type { Backend, BackendAnswer } from './port.ts';
import { compileLookup, compileRequest } from './requestTemplate.ts';
import { createSender, type Guard } from './sender.ts';

export type HttpBackendOptions = {
  /** The route target that the backend serves. */
  readonly route: string;
  readonly spec: HttpBackendSpec;
  readonly clock: { readonly monotonicMs: () => number };
  /** The value of an environment variable at this moment. */
  readonly resolveSecret: (name: string) => string | undefined;
  /** How host names become addresses; the operating system's resolver when left out. */
  readonly resolveHost?: ResolveHost;
  /** Who is told when the circuit opens and closes. */
  readonly watch?: CircuitWatch;
};

/** A backend whose playbook entry cannot be used; `problems` says where and why. */
class InvalidBackendError extends Error {
  readonly code = 'INVALID_BACKEND';
  readonly problems: readonly BackendProblem[];
  constructor(route: string, problems: readonly BackendProblem[]) {
    super(
      problems.map(({ path, message }) => `backends.${[route, ...path].join('.')}: ${message}`).join('\n'),
    );
    this.name = 'InvalidBackendError';
    this.problems = problems;
  }
}

type Verdict = Omit<BackendAnswer, 'durationMs'>;

/**
 * A backend that is called over HTTP, as its playbook entry says. What it answers:
 * a status in `success` is SUCCEEDED, one in `failure` FAILED, any other (5xx, redirects, which are never followed) UNKNOWN;
 * what surely was not sent is FAILED; what was sent, or may have been, and got no status line is UNKNOWN. A status line decides
 * even when its body breaks off or stalls: the backend had made up its mind, only the digest is missing.
 *
 * While its circuit is open, calls are FAILED with CIRCUIT_OPEN, those too that had been waiting for a slot. Lookups go out all the same
 * and count for nothing: most are asked because the backend fails, and their answer is worth a wait.
 *
 * @throws InvalidBackendError when validateHttpBackend finds anything
 */
export function createHttpBackend(options: HttpBackendOptions): Backend {
  const { route, spec, clock, watch } = options;
  const { lookup, timeoutMs } = spec;
  const problems = validateHttpBackend(route, spec);
  if (problems.length > 0) throw new InvalidBackendError(route, problems);
  const limit = pLimit(spec.concurrency);
  const connect = createGuardedConnector({
    allowPrivateHosts: spec.allowPrivateHosts,
    timeoutMs,
    resolve: options.resolveHost ?? resolveHost,
  });
  const shared = { limit, clock, connect, resolveSecret: options.resolveSecret };
  const breaker = createBackendBreaker(route, spec, clock, watch);
  const timed = async (work: () => Promise<Verdict>): Promise<BackendAnswer> => {
    const started = clock.monotonicMs();
    const verdict = await work();
    return { ...verdict, durationMs: Math.round(clock.monotonicMs() - started) };
  };

  const send = createSender(shared, spec, compileRequest(spec));
  const call: Backend['call'] = (request) =>
    timed(async () => {
      if (!breaker.mayCall()) return callVerdict(CIRCUIT_OPEN, spec);
      const bounds = { timeoutMs, deadlineMs: request.deadlineMs };
      return callVerdict(await send(request, bounds, breaker.guard), spec);
    });

  const createLookUp = (asked: LookupSpec): Backend['lookUp'] => {
    const ask = createSender(shared, asked, compileLookup(asked));
    // It changes nothing, so the deadline of the attempt does not bind it.
    const bounds = { timeoutMs, deadlineMs: Number.POSITIVE_INFINITY };
    return (request) => timed(async () => lookupVerdict(await ask(request, bounds, unguarded), asked));
  };

  return {
    route,
    kind: 'http',
    idempotent: spec.idempotent,
    timeoutMs,
    available: breaker.available,
    describe: () => `${route}: http, ${spec.method} ${spec.url}`,
    call,
    lookUp: lookup ? createLookUp(lookup) : null,
  };
}

const unguarded: Guard = (work) => work();

/** What a call came to: FAILED where it surely was not sent. */
const callVerdict = (exchange: Exchange, statuses: Statuses): Verdict =>
  verdictOf(exchange, statuses, 'FAILED');

/** What a lookup came to: one that was not sent tells nothing of the call. */
const lookupVerdict = (exchange: Exchange, statuses: Statuses): Verdict =>
  verdictOf(exchange, statuses, 'UNKNOWN');

type Statuses = { readonly success: readonly number[]; readonly failure: readonly number[] };

function verdictOf(
  exchange: Exchange,
  { success, failure }: Statuses,
  notSent: 'FAILED' | 'UNKNOWN',
): Verdict {
  if (exchange.kind !== 'answered') {
    const result = exchange.kind === 'notSent' ? notSent : 'UNKNOWN';
    return { result, errorType: exchange.errorType, responseDigest: null };
  }
  const { status, digest } = exchange;
  if (success.includes(status)) return { result: 'SUCCEEDED', errorType: null, responseDigest: digest };
  const result = failure.includes(status) ? 'FAILED' : 'UNKNOWN';
  return { result, errorType: `HTTP_${status}`, responseDigest: digest };
}
