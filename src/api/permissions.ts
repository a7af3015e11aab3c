import type { Scope } from '../auth/caller.ts';

/** Who may call a route: whoever has a scope, or anybody, authenticated or not. */
export type Permission = Scope | 'anybody';

/**
 * Who may call which route, all of them. An API key has the scopes that it was made with, a person those of the roles in the
 * token (OIDC_ROLE_SCOPES). On a service without authentication nobody is asked. A route that is not here stops the start.
 *
 * - read     everything that is recorded, personal text in clear among it
 * - submit   tasks, in a role that the caller has
 * - cases    opening and changing cases
 * - review   deciding what was routed to a person
 * - operate  stopping and starting what is automated
 * - erase    destroying the key of a case, for good
 * - metrics  figures without any text, for a scraper that may see nothing else
 */
export const PERMISSIONS: Readonly<Record<string, Permission>> = {
  'POST /case-task': 'submit',

  'GET /tasks': 'read',
  'GET /tasks/:taskId': 'read',
  'GET /reviews': 'read',
  'GET /reviews/counts': 'read',
  'GET /reviews/:taskId': 'read',
  'POST /reviews/:taskId/claim': 'review',
  'POST /reviews/:taskId/release': 'review',
  'POST /reviews/:taskId/decide': 'review',
  'POST /reviews/:taskId/outcome': 'review',
  'GET /live': 'read',
  'GET /audit': 'read',
  'GET /audit/:case_id': 'read',
  'GET /export/audit': 'read',
  'GET /verification': 'read',
  'GET /policy': 'read',
  'GET /policy/shadow': 'read',
  'GET /policy/:hash': 'read',
  'GET /automation': 'read',
  'POST /automation/pause': 'operate',
  'POST /automation/resume': 'operate',

  'POST /cases': 'cases',
  'GET /cases': 'read',
  'GET /cases/:caseId': 'read',
  'GET /cases/:caseId/events': 'read',
  'GET /cases/:caseId/evidence': 'read',
  'POST /cases/:caseId/close': 'cases',
  'POST /cases/:caseId/suspend': 'cases',
  'POST /cases/:caseId/reopen': 'cases',
  'POST /cases/:caseId/notes': 'cases',
  'POST /cases/:caseId/erase': 'erase',

  // What starts and balances the service has no key, and learns no more than that it works.
  'GET /healthz': 'anybody',
  'GET /readyz': 'anybody',
  // How much a company has to do, and how much of it fails, is nobody else's business.
  'GET /metrics': 'metrics',

  // The contract is in the public source text, and a browser that opens a page sends no key with it.
  'GET /openapi.json': 'anybody',
  'GET /docs': 'anybody',
  'GET /docs/': 'anybody',
  'GET /docs/json': 'anybody',
  'GET /docs/yaml': 'anybody',
  'GET /docs/static/index.html': 'anybody',
  'GET /docs/static/swagger-initializer.js': 'anybody',
  'GET /docs/static/*': 'anybody',
};

/**
 * Who may call a route. HEAD is let at what GET is.
 *
 * @param url the route's pattern, such as `/tasks/:taskId`
 * @throws Error for a route that has no entry
 */
export function permissionOf(method: string, url: string): Permission {
  const route = `${method === 'HEAD' ? 'GET' : method} ${url}`;
  const permission = Object.hasOwn(PERMISSIONS, route) ? PERMISSIONS[route] : undefined;
  if (permission === undefined) throw new Error(`${route} has no entry in src/api/permissions.ts`);
  return permission;
}
