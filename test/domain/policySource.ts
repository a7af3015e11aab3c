import { expect } from 'vitest';
import { parsePolicy } from '../../src/domain/policy.ts';
import { InvalidSourceError } from '../../src/domain/yaml.ts';
import { configText, playbook } from '../support/builders.ts';
import { thrownBy } from './specification.ts';

/** The default policy, as text. */
export const SOURCE = configText('policy.yaml');
/** Reads a policy over the default playbook. */
export const parse = (source: string) => parsePolicy(source, 'policy.yaml', playbook);

/** The default policy with one text replaced, which must be there. */
export const changed = (from: string, to: string): string => {
  expect(SOURCE).toContain(from);
  return SOURCE.replace(from, to);
};
/** The default policy as it was before there were reviews; `reviews` adds such a block. */
export const beforeReviews = (...reviews: readonly string[]): string => {
  const source = SOURCE.replace(/^reviews:\n(?: .*\n)+/m, '')
    .replace(/^ {2}# No codes.*\n {2}- queue: supervisors\n(?: {4}.*\n)+/m, '')
    .replace(/^ *(dueMinutesByPriority|escalateTo):.*\n/gm, '');
  for (const word of ['reviews:', 'supervisors', 'escalateTo:', 'dueMinutesByPriority'])
    expect(source).not.toContain(word);
  return source + reviews.join('\n');
};
/** The line of a source, from 1, on which a text stands first. */
export const lineOf = (source: string, text: string): number =>
  source.split('\n').findIndex((line) => line.includes(text)) + 1;

/** What is wrong with a policy; fails where it is none. */
export function problemsOf(source: string) {
  const error = thrownBy(() => parse(source));
  if (!(error instanceof InvalidSourceError)) throw error;
  expect(error.code).toBe('INVALID_SOURCE');
  return error.problems;
}
