import { type ParseArgsConfig, parseArgs } from 'node:util';

/** What a command line was to be, and was not. */
export const usageError = (problem: string, usage: string): Error =>
  Object.assign(new Error(`${problem}\n${usage}`), { code: 'USAGE' });

/**
 * The options of a command line.
 *
 * @throws Error that tells the usage, for what is not among them
 */
export function readOptions<const Options extends NonNullable<ParseArgsConfig['options']>>(
  options: Options,
  usage: string,
): ReturnType<typeof parseArgs<{ options: Options }>>['values'] {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : 'the arguments cannot be read', usage);
  }
}
