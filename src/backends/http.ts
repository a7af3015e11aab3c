import pLimit from 'p-limit';
import type { HttpBackendSpec } from '../domain/playbook.ts';
import { type Exchange, exchange } from './exchange.ts';
import { createGuardedConnector, type ResolveHost, resolveHost } from './guardedConnector.ts';
import { type BackendProblem, validateHttpBackend } from './httpProblems.ts';
import type { Backend, BackendAnswer, BackendCall } from './port.ts';
import { compileRequest, type HttpRequest } from './requestTemplate.ts';
import { TemplateError } from './template.ts';
import { inTurn } from './turn.ts';
import { originOf } from './urlTemplate.ts';

export type HttpBackendOptions = {
  /** The route target that the backend serves. */
  readonly route: string;
  readonly spec: HttpBackendSpec;
  readonly clock: { readonly monotonicMs: () => number };
  /** The value of an environment variable at this moment. */
  readonly resolveSecret: (name: string) => string | undefined;
  /** How host names become addresses; the operating system's resolver when left out. */
  readonly resolveHost?: ResolveHost;
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
 * @throws InvalidBackendError when validateHttpBackend finds anything
 */
export function createHttpBackend(options: HttpBackendOptions): Backend {
  const { route, spec, clock, resolveSecret } = options;
  const problems = validateHttpBackend(route, spec);
  if (problems.length > 0) throw new InvalidBackendError(route, problems);
  const render = compileRequest(spec);
  const { origin } = originOf(spec.url);
  const limit = pLimit(spec.concurrency);
  const connect = createGuardedConnector({
    allowPrivateHosts: spec.allowPrivateHosts,
    timeoutMs: spec.timeoutMs,
    resolve: options.resolveHost ?? resolveHost,
  });

  const attempt = async (call: BackendCall): Promise<Verdict> => {
    let request: HttpRequest;
    try {
      request = render({ call, resolveSecret });
    } catch (error) {
      return failed(error instanceof TemplateError ? error.code : 'REQUEST_INVALID');
    }
    const result = await inTurn(limit, clock, spec.timeoutMs, (signal) =>
      exchange({ origin, method: spec.method, request, connect, signal }),
    );
    return classify(result, spec);
  };

  return {
    route,
    kind: 'http',
    idempotent: spec.idempotent,
    timeoutMs: spec.timeoutMs,
    describe: () => `${route}: http, ${spec.method} ${spec.url}`,
    call: async (call) => {
      const started = clock.monotonicMs();
      const verdict = await attempt(call);
      return { ...verdict, durationMs: Math.round(clock.monotonicMs() - started) };
    },
  };
}

function classify(result: Exchange, spec: HttpBackendSpec): Verdict {
  if (result.kind === 'notSent') return failed(result.errorType);
  if (result.kind === 'noAnswer') {
    return { result: 'UNKNOWN', errorType: result.errorType, responseDigest: null };
  }
  const { status, digest } = result;
  if (spec.success.includes(status)) {
    return { result: 'SUCCEEDED', errorType: null, responseDigest: digest };
  }
  return {
    result: spec.failure.includes(status) ? 'FAILED' : 'UNKNOWN',
    errorType: `HTTP_${status}`,
    responseDigest: digest,
  };
}

const failed = (errorType: string): Verdict => ({ result: 'FAILED', errorType, responseDigest: null });
