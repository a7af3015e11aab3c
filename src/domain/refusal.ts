export type RefusalCode =
  /** The caller claims a role that authentication did not give it. */
  | 'ROLE_NOT_HELD'
  /** The case does not exist. */
  | 'CASE_NOT_FOUND'
  /** The input names something that the policy does not know. */
  | 'INVALID_INPUT'
  /** The same idempotency key came with another request. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** The case exists already, with other content. */
  | 'CASE_EXISTS'
  /** The case is there, but its key is not: nothing can be done with it. */
  | 'CASE_KEY_DESTROYED'
  /** The case has moved on from the revision that the client saw. */
  | 'REVISION_STALE'
  /** The case's state does not allow this. */
  | 'STATE_NOT_ALLOWED';

/** A command that was refused, with a stable code. `field` names the input that is wrong, where one is. */
export class RefusedError extends Error {
  readonly code: RefusalCode;
  readonly field: string | null;
  constructor(code: RefusalCode, message: string, field: string | null = null) {
    super(message);
    this.name = 'RefusedError';
    this.code = code;
    this.field = field;
  }
}
