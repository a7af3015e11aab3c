import type { HttpBackendSpec, LookupSpec } from '../domain/playbook.ts';
import { credentialProblem } from './credentials.ts';
import { isPlaceholder, parseTemplate, unknownPlaceholder } from './template.ts';
import { urlProblems } from './urlProblems.ts';

/** One thing that is wrong with a backend; `path` leads to the key, from `backends.<ROUTE>` on. */
export type BackendProblem = { readonly path: readonly (string | number)[]; readonly message: string };

/** Headers that only this service or the HTTP library may set. */
const OWN_HEADERS = new Set([
  'idempotency-key',
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'expect',
  'te',
  'trailer',
  'upgrade',
]);

/** In a lookup the key is the playbook's to place, and in this header it is no secret. */
const OWN_LOOKUP_HEADERS = new Set([...OWN_HEADERS].filter((name) => name !== 'idempotency-key'));

/** What names one action, and is no credential. */
const KEYS = ['{idempotencyKey}', '{actionId}'];

/**
 * What is wrong with an http backend beyond its types: credentials in clear, placeholders where they must not be or that
 * have no value, headers that are not the playbook's to set.
 *
 * @param route the route target, for the advice in a message
 */
export function validateHttpBackend(route: string, spec: HttpBackendSpec): readonly BackendProblem[] {
  const problems: BackendProblem[] = [
    ...urlProblems(route, spec.url).map((message) => ({ path: ['url'], message })),
    ...headerProblems(route, spec.headers, OWN_HEADERS),
    ...(spec.body === undefined ? [] : bodyProblems(route, spec.body, ['body'])),
  ];
  if (spec.method === 'GET' && spec.body !== undefined) {
    problems.push({ path: ['body'], message: 'a GET request has no body; remove it or use POST' });
  }
  problems.push(...statusProblems(spec));
  if (spec.lookup !== undefined) {
    const inside = lookupProblems(route, spec.lookup);
    problems.push(...inside.map(({ path, message }) => ({ path: ['lookup', ...path], message })));
  }
  spec.allowPrivateHosts.forEach((host, index) => {
    if (!/^(\[[0-9a-f:.]+\]|[0-9a-f:.]*:[0-9a-f:.]*|[a-z0-9._-]+)$/i.test(host)) {
      problems.push({
        path: ['allowPrivateHosts', index],
        message: 'must be a host name or address alone, without scheme, port or path',
      });
    }
  });
  return problems;
}

function lookupProblems(route: string, lookup: LookupSpec): BackendProblem[] {
  const { url, headers } = lookup;
  const problems: BackendProblem[] = [
    ...urlProblems(route, url).map((message) => ({ path: ['url'], message })),
    ...headerProblems(route, headers, OWN_LOOKUP_HEADERS),
    ...statusProblems(lookup),
  ];
  if (!KEYS.some((key) => [url, ...Object.values(headers)].some((template) => template.includes(key)))) {
    const message = `must hold ${KEYS.join(' or ')}, else the answer could be about another action`;
    problems.push({ path: ['url'], message });
  }
  return problems;
}

function statusProblems({ success, failure }: Pick<LookupSpec, 'success' | 'failure'>): BackendProblem[] {
  const both = success.filter((status) => failure.includes(status));
  if (both.length === 0) return [];
  return [{ path: ['failure'], message: `${both.join(', ')} cannot mean both success and failure` }];
}

function headerProblems(
  route: string,
  headers: Readonly<Record<string, string>>,
  own: ReadonlySet<string>,
): BackendProblem[] {
  const seen = new Set<string>();
  return Object.entries(headers).flatMap(([name, value]) => {
    const lower = name.toLowerCase();
    const messages: string[] = [];
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) messages.push('is no header name');
    if (own.has(lower)) messages.push('is set by the service itself; remove it');
    if (seen.has(lower)) messages.push('is there twice');
    if (!/^[\t\x20-\x7e]*$/.test(value)) messages.push('must hold visible ASCII characters only');
    seen.add(lower);
    messages.push(...templateProblems(value));
    if (!KEYS.includes(value)) messages.push(...credentialProblem('header', route, name, value));
    return messages.map((message) => ({ path: ['headers', name], message }));
  });
}

function bodyProblems(route: string, body: unknown, path: readonly (string | number)[]): BackendProblem[] {
  if (typeof body === 'string') {
    const name = String(path.at(-1));
    const credential = path.length > 1 ? credentialProblem('body', route, name, body) : [];
    return [...templateProblems(body), ...credential].map((message) => ({ path, message }));
  }
  if (Array.isArray(body)) return body.flatMap((item, index) => bodyProblems(route, item, [...path, index]));
  if (typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([key, value]) => [
    ...(parseTemplate(key).some((part) => part.kind !== 'text')
      ? [{ path: [...path, key], message: 'a key of the body must hold no placeholder' }]
      : []),
    ...bodyProblems(route, value, [...path, key]),
  ]);
}

function templateProblems(template: string): string[] {
  return parseTemplate(template).flatMap((part) => {
    if (part.kind === 'placeholder' && !isPlaceholder(part.text)) return [unknownPlaceholder(part.text)];
    if (part.kind === 'secret' && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(part.text)) {
      return [`\${env:${part.text}} must name an environment variable`];
    }
    return [];
  });
}
