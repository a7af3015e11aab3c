import { parseTemplate } from './template.ts';

/** Where a value stands: what counts as a credential's name differs. */
export type Place = 'header' | 'query' | 'body';

/** In headers, parts of a word count as well: `X-Apikey`, `X-Authtoken`. */
const HEADER_NAME = /auth|cookie|token|secret|key|passw|pwd|credential|signature/i;
const CREDENTIAL_WORDS =
  /^(auth|authorization|cookie|tokens?|secrets?|passw(or)?d|pwd|passphrase|credentials?|signature|sig|apikey|api_?key)$/;
/** A lone `key` is a usual name for a credential in a query (`?key=`), and for anything else in a body. */
const KEY_KINDS = /^(api|access|private|secret|signing|subscription|master)$/;
/** How a credential shows itself whatever the name: by its scheme, or by the prefix of a well-known kind of key. */
const CREDENTIAL_VALUE = /^(bearer|basic)\s+\S|\b(sk-|ghp_|github_pat_|xox[abp]-|AKIA|eyJ)[A-Za-z0-9_-]{10}/i;

/**
 * What to say about a credential in clear; empty when the value is none, or comes from the environment. In a header
 * a credential's name needs `${env:}`; elsewhere a value that is nothing but placeholders is no literal either.
 *
 * @param route the route target, for the name of the variable that is advised
 */
export function credentialProblem(
  place: Place,
  route: string,
  name: string,
  value: string,
): readonly string[] {
  const parts = parseTemplate(value);
  if (parts.some((part) => part.kind === 'secret')) return [];
  const literal = parts.some((part) => part.kind === 'text' && part.text.trim() !== '');
  const named = namesCredential(place, name) && (literal || (place === 'header' && value !== ''));
  if (!named && !CREDENTIAL_VALUE.test(value)) return [];
  const variable = `${route}_${name}`.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
  const advice = place === 'query' ? 'send it as a header with' : 'put it into the environment and write';
  return [`${name} looks like a credential in clear; ${advice} \${env:${variable}}`];
}

function namesCredential(place: Place, name: string): boolean {
  if (place === 'header') return HEADER_NAME.test(name);
  const words = name.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/).map((word) => word.toLowerCase());
  return words.some((word, index) => {
    if (word !== 'key') return CREDENTIAL_WORDS.test(word);
    return place === 'query' || KEY_KINDS.test(words[index - 1] ?? '');
  });
}
