import type { Playbook } from '../domain/playbook.ts';
import type { CircuitWatch } from '../runtime/breaker.ts';
import type { ResolveHost } from './guardedConnector.ts';
import { createHttpBackend } from './http.ts';
import { type BackendProblem, validateHttpBackend } from './httpProblems.ts';
import type { Backend } from './port.ts';
import { createSimulatedBackend } from './simulated.ts';

export type BackendDependencies = {
  readonly clock: { readonly monotonicMs: () => number; readonly sleep: (ms: number) => Promise<unknown> };
  /** The value of an environment variable at this moment. */
  readonly resolveSecret: (name: string) => string | undefined;
  readonly resolveHost?: ResolveHost;
  /** Who is told when a backend's circuit opens and closes. */
  readonly watch?: CircuitWatch;
};

/**
 * Every backend of a playbook, by route target.
 *
 * @throws InvalidBackendError for the first backend that cannot be used; `validateBackends` finds all of them
 */
export function createBackends(
  playbook: Pick<Playbook, 'backends'>,
  dependencies: BackendDependencies,
): ReadonlyMap<string, Backend> {
  return new Map(
    Object.entries(playbook.backends).map(([route, spec]) => [
      route,
      spec.kind === 'http'
        ? createHttpBackend({ ...dependencies, route, spec })
        : createSimulatedBackend({ ...dependencies, route, spec }),
    ]),
  );
}

/** What is wrong with a playbook's backends; each path starts at the root of the playbook. */
export function validateBackends(playbook: Pick<Playbook, 'backends'>): readonly BackendProblem[] {
  return Object.entries(playbook.backends).flatMap(([route, spec]) =>
    spec.kind === 'http'
      ? validateHttpBackend(route, spec).map(({ path, message }) => ({
          path: ['backends', route, ...path],
          message,
        }))
      : [],
  );
}
