import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from './problems.ts';

/**
 * Answers requests that no route serves: 405 with Allow where the path has other methods, else 404. To be registered before
 * any route.
 */
export function registerNotServed(app: FastifyInstance): void {
  const served = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    served.set(url, (served.get(url) ?? new Set()).union(new Set([method].flat())));
  });
  const refuse = (request: FastifyRequest, reply: FastifyReply): never => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = [...served].flatMap(([url, set]) => (isPathOf(url, path) ? [...set] : []));
    if (methods.length === 0) throw new ProblemError('route-not-found', 'nothing is served here; see /docs');
    const allow = methods.sort().join(', ');
    reply.header('Allow', allow);
    throw new ProblemError('method-not-allowed', `${request.method} is not served here; send ${allow}`);
  };
  // Before the body is read; the handler is for what a plugin finds missing.
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) refuse(request, reply);
  });
  app.setNotFoundHandler(refuse);
}

function isPathOf(url: string, path: string): boolean {
  const parts = url.split('/');
  const given = path.split('/');
  return (
    parts.length === given.length &&
    parts.every((part, index) => part.startsWith(':') || part === given[index])
  );
}
