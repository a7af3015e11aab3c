import { z } from 'zod';

/** A case id: trimmed, 1 to 64 of letters, digits, dot, underscore and hyphen (DESIGN section 2). */
export const caseIdSchema = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 characters out of A-Z a-z 0-9 . _ -');

/** A name or code in policy and playbook: of an intent, a route, a role, a reason. */
export const upperName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'must be UPPER_SNAKE_CASE, at most 64 characters');

/** The stream that holds everything about one case. */
export const caseStream = (caseId: string): string => `case-${caseId}`;

/** The case id of a case stream, or null when the stream is of another kind. */
export const caseIdOfStream = (stream: string): string | null =>
  stream.startsWith('case-') ? stream.slice('case-'.length) : null;

/** The stream that holds the source of one policy; `hash` is the policy's content hash. */
export const policyStream = (hash: string): string => `policy-${hash}`;

/** The stream that holds the source of one playbook; `hash` is the playbook's content hash. */
export const playbookStream = (hash: string): string => `playbook-${hash}`;

/** The stream whose only event names the log. */
export const LOG_STREAM = 'log';

/** The stream that tells what of the automation is paused. */
export const AUTOMATION_STREAM = 'automation';

/** The stream of seals over all that is in the log. */
export const SEAL_STREAM = 'seals';

/** The task id `{caseId}~{hash}`; `keyHash` is the keyed hash of the task's idempotency key, hexadecimal. */
export const taskIdOf = (caseId: string, keyHash: string): string => `${caseId}~${keyHash.slice(0, 32)}`;

/** The case id inside a task id, or null when the text is no task id. */
export function caseIdOfTask(taskId: string): string | null {
  const match = /^([A-Za-z0-9._-]{1,64})~[0-9a-f]{32}$/.exec(taskId);
  return match?.[1] ?? null;
}
