import { InvalidConfigError } from './config.ts';
import { InvalidSourceError } from './domain/yaml.ts';

/**
 * What a failed start or command tells a person: a line per problem where the set-up is wrong, the error itself otherwise.
 *
 * @param what failed, as the beginning of a sentence
 */
export function explain(error: unknown, what = 'The service cannot start'): string {
  if (error instanceof InvalidConfigError) {
    return ['The environment cannot be used:', ...error.problems.map((line) => `  ${line}`)].join('\n');
  }
  if (error instanceof InvalidSourceError) {
    return [
      'Playbook or policy cannot be used:',
      ...error.message.split('\n').map((line) => `  ${line}`),
    ].join('\n');
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return `${what} (${error.code}): ${error.message}`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
