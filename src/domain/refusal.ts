export type RefusalCode =
  /** The caller claims a role that authentication did not give it, or lacks one that this needs. */
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
  | 'STATE_NOT_ALLOWED'
  /** No person was ever asked about the task. */
  | 'REVIEW_NOT_FOUND'
  /** The review is over, or its task is acting just now. */
  | 'REVIEW_NOT_OPEN'
  /** Another reviewer has it. */
  | 'REVIEW_CLAIMED'
  /** The reviewer has not claimed it, or the lease is over. */
  | 'REVIEW_NOT_CLAIMED'
  /** What was shown is not what is there now. */
  | 'REVIEW_STALE'
  /** The reviewer is not known by name, has submitted the task, or has approved it already. */
  | 'REVIEWER_NOT_ALLOWED'
  /** Guardrails fail that were not, or may not be, overridden. */
  | 'GUARDRAILS_REFUSE'
  /** An earlier attempt may have done it already. */
  | 'OUTCOME_UNKNOWN'
  /** Another action of the case is open. */
  | 'ACTION_OPEN'
  /** Nothing can be sent to the backend at the moment. */
  | 'BACKEND_UNAVAILABLE';

/** What a client can act on, beside the words of the message. */
export type RefusalDetails = {
  /** Who has the review, and until when. */
  readonly claim?: { readonly reviewer: string; readonly leaseUntil: string };
  /** The parts of what was shown that are not so any more. */
  readonly changed?: readonly string[];
  /** Guardrails that stand against it. */
  readonly guardrails?: readonly {
    readonly name: string;
    readonly code: string;
    readonly overridable: boolean;
  }[];
};

/** A command that was refused, with a stable code. `field` names the input that is wrong, where one is. */
export class RefusedError extends Error {
  readonly code: RefusalCode;
  readonly field: string | null;
  readonly details: RefusalDetails;
  constructor(code: RefusalCode, message: string, field: string | null = null, details: RefusalDetails = {}) {
    super(message);
    this.name = 'RefusedError';
    this.code = code;
    this.field = field;
    this.details = details;
  }
}

/** Refuses whatever needs the key of a case whose key is gone. */
export const keyDestroyed = (caseId: string): RefusedError =>
  new RefusedError('CASE_KEY_DESTROYED', `the key of case ${caseId} is gone: it can be read, not changed`);
