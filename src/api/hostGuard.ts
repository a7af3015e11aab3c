import type { FastifyInstance } from 'fastify';
import { ProblemError } from './problems.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests that name another host than this service, or come from a page of another origin: a browser's way into a
 * service that listens on loopback without authentication (DNS rebinding, cross-site requests).
 *
 * @param allowedHosts further host names, without port
 */
export function registerHostGuard(app: FastifyInstance, allowedHosts: readonly string[]): void {
  const allowed = new Set([...LOOPBACK, ...allowedHosts].map((host) => host.toLowerCase()));
  app.addHook('onRequest', async (request) => {
    const host = request.headers.host;
    if (host === undefined || !allowed.has(hostName(host))) {
      throw new ProblemError(
        'foreign-host',
        'the Host header names a host that this service does not serve',
        [
          {
            field: 'Host',
            message: 'is not a name of this service; add it to ALLOWED_HOSTS if it should be',
          },
        ],
      );
    }
    const { origin } = request.headers;
    if (origin !== undefined && !isAllowedOrigin(origin, allowed)) {
      throw new ProblemError('foreign-origin', 'the Origin header names a foreign origin', [
        { field: 'Origin', message: 'is not an origin of this service' },
      ]);
    }
  });
}

const hostName = (host: string): string => host.toLowerCase().replace(/:\d{1,5}$/, '');

function isAllowedOrigin(origin: string, allowed: ReadonlySet<string>): boolean {
  return URL.canParse(origin) && allowed.has(new URL(origin).hostname);
}
