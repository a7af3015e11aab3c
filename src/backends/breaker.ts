import type { HttpBackendSpec } from '../domain/playbook.ts';
import { type Breaker, type CircuitWatch, createBreaker, type Health } from '../runtime/breaker.ts';
import type { Exchange } from './exchange.ts';
import type { Guard } from './sender.ts';

/** A call that was not sent because its backend is known to be down. */
export const CIRCUIT_OPEN: Exchange = { kind: 'notSent', errorType: 'CIRCUIT_OPEN' };

/** What keeps a request from being sent through the dependency's fault; anything else is this process's own doing. */
const UNREACHABLE = new Set([
  'CONNECTION_REFUSED',
  'CONNECT_FAILED',
  'CONNECT_TIMEOUT',
  'DNS_FAILED',
  'TLS_FAILED',
]);
/** Answers below 500 that say "not now" rather than anything about the request: Request Timeout, Too Many Requests. */
const NOT_NOW = [408, 429];

export type BackendBreaker = Pick<Breaker, 'available' | 'mayCall'> & { readonly guard: Guard };

/** The circuit breaker of one http backend; its name in logs and metrics is the route target. */
export function createBackendBreaker(
  route: string,
  spec: Pick<HttpBackendSpec, 'breaker' | 'success'>,
  clock: { readonly monotonicMs: () => number },
  watch: CircuitWatch | undefined,
): BackendBreaker {
  const { available, mayCall, guard } = createBreaker({ dependency: route, ...spec.breaker, clock, watch });
  const judge = (exchange: Exchange): Health => healthOf(exchange, spec.success);
  return { available, mayCall, guard: (work) => guard(work, judge, CIRCUIT_OPEN) };
}

/**
 * What an exchange says of the backend: that it answers at all is what counts, whatever it answers about the request.
 *
 * @param success statuses that the playbook calls a success
 */
function healthOf(exchange: Exchange, success: readonly number[]): Health {
  switch (exchange.kind) {
    case 'notSent':
      return UNREACHABLE.has(exchange.errorType) ? 'down' : 'unjudged';
    case 'noAnswer':
      return 'down';
    case 'answered': {
      const { status } = exchange;
      const fails = status >= 500 || NOT_NOW.includes(status);
      return fails && !success.includes(status) ? 'down' : 'up';
    }
  }
}
