import type { FastifyInstance } from 'fastify';
import { fieldError } from './problems.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests that name another host than this service, or come from a page of another origin: a browser's way into a
 * service that listens on loopback without authentication (DNS rebinding, cross-site requests).
 *
 * @param allowedHosts further host names and addresses, without port
 */
export function registerHostGuard(app: FastifyInstance, allowedHosts: readonly string[]): void {
  const allowed = new Set([...LOOPBACK, ...allowedHosts.map(asInHeader)]);
  app.addHook('onRequest', async ({ headers: { host, origin } }) => {
    if (host === undefined || !allowed.has(nameIn(host))) {
      const message = 'is not a name of this service; add it to ALLOWED_HOSTS if it should be';
      throw fieldError('foreign-host', 'Host', message);
    }
    if (origin !== undefined && !isOriginOf(origin, host)) {
      const message = 'is not the origin of this service; a proxy in front must pass Host on as it came';
      throw fieldError('foreign-origin', 'Origin', message);
    }
  });
}

const asInHeader = (name: string): string =>
  name.includes(':') && !name.startsWith('[') ? `[${name.toLowerCase()}]` : name.toLowerCase();

const nameIn = (host: string): string => host.toLowerCase().replace(/:\d{1,5}$/, '');

/** Port and all: another port of this machine is another service. The scheme may differ where a proxy ends TLS. */
function isOriginOf(origin: string, host: string): boolean {
  const { protocol, host: originHost } = URL.parse(origin) ?? {};
  return originHost !== undefined && originHost === URL.parse(`${protocol}//${host}`)?.host;
}
