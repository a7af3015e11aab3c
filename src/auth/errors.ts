/**
 * A request does not say who sends it, or not in a way that can be believed. The message is sent to whoever asked, so it
 * tells only what the owner of the key or token may know.
 */
export class CredentialsRefusedError extends Error {
  readonly code = 'CREDENTIALS_REFUSED';
  /** Whether there were none at all. */
  readonly missing: boolean;
  constructor(message: string, missing = false) {
    super(message);
    this.name = 'CredentialsRefusedError';
    this.missing = missing;
  }
}

/** Whether a key or token is good cannot be told at the moment. The message is for the log. */
export class AuthenticationUnavailableError extends Error {
  readonly code = 'AUTHENTICATION_UNAVAILABLE';
  constructor(message: string) {
    super(message);
    this.name = 'AuthenticationUnavailableError';
  }
}
