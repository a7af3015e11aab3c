import { caseIdSchema, upperName } from '../domain/identifiers.ts';

/** What `npm run erase` is asked to do. */
export type ErasureCommand = { readonly caseId: string; readonly reason: string };

/**
 * Reads a command line; with problems, a line each, there is no command. Nothing in it says who asks: what is typed there is no
 * identity (rule 10).
 */
export function readErasureCommand(values: { readonly case?: string; readonly reason?: string }): {
  readonly command: ErasureCommand | null;
  readonly problems: readonly string[];
} {
  const caseId = caseIdSchema.safeParse(values.case);
  const reason = upperName.safeParse(values.reason);
  if (caseId.success && reason.success)
    return { command: { caseId: caseId.data, reason: reason.data }, problems: [] };
  return {
    command: null,
    problems: [
      'usage: npm run erase -- --case C1001 --reason SUBJECT_REQUEST',
      ...(caseId.success ? [] : ['--case: must be 1 to 64 characters out of A-Z a-z 0-9 . _ -']),
      ...(reason.success
        ? []
        : ['--reason: must be a code in UPPER_SNAKE_CASE, at most 64 characters, and no text about persons']),
    ],
  };
}
