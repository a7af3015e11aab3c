import { credentialProblem } from './credentials.ts';
import { isPlaceholder, type Part, parseTemplate, unknownPlaceholder } from './template.ts';
import { splitUrl } from './urlTemplate.ts';

/** What is wrong with a URL template: scheme, host, port and the structure of the path are fixed, and it holds no secret. */
export function urlProblems(route: string, url: string): readonly string[] {
  const { authority, path, query } = splitUrl(url);
  if (authority.includes('@'))
    return [`holds a user or password; send it as a header with \${env:${route}_AUTHORIZATION}`];
  if (!/^[\w.\-:[\]]+$/.test(authority)) {
    return ['scheme, host and port are fixed: no placeholder and only ASCII may stand there'];
  }
  const problems = [...parseTemplate(path), ...parseTemplate(query ?? '')].flatMap(partProblem);
  if (/(^|\/)(\.|%2e){1,2}(\/|$)/i.test(path)) problems.push('must not hold the path segments . and ..');
  return [...problems, ...parameterProblems(route, query ?? '')];
}

function partProblem(part: Part): string[] {
  if (part.kind === 'secret')
    return ['a secret must not stand in a URL, which is logged; send it as a header'];
  if (part.kind === 'placeholder') return isPlaceholder(part.text) ? [] : [unknownPlaceholder(part.text)];
  return /^([\w\-.~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/.test(part.text) && isDecodable(part.text)
    ? []
    : ['holds a fragment, or characters that have to be percent-encoded as UTF-8'];
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function parameterProblems(route: string, query: string): readonly string[] {
  return query.split('&').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at === -1 ? [] : credentialProblem('query', route, pair.slice(0, at), pair.slice(at + 1));
  });
}
