import { readFile } from 'node:fs/promises';
import { InvalidSourceError } from '../domain/yaml.ts';

/**
 * The text of a policy, playbook or tests file that a command line names.
 *
 * @throws InvalidSourceError where it cannot be read
 */
export async function readSource(file: string): Promise<string> {
  const unreadable = (why: string): InvalidSourceError =>
    new InvalidSourceError([{ file, line: 1, path: '', message: `cannot be read: ${why}` }]);
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(error.code ?? error.name);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable('it is not UTF-8');
  }
}
