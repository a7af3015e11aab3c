/** The key store answers, and refuses: asking again cannot help (a missing table, a missing privilege). */
export class KeyStoreRefusedError extends Error {
  readonly code = 'KEY_STORE_REFUSED';
  constructor(cause: unknown) {
    super('the key store refused what it was asked', { cause });
    this.name = 'KeyStoreRefusedError';
  }
}

/** The key of a case was destroyed, so the case never gets another one. */
export class KeyDestroyedError extends Error {
  readonly code = 'KEY_DESTROYED';
  constructor(caseId: string) {
    super(`the key of case ${caseId} was destroyed, and is not replaced`);
    this.name = 'KeyDestroyedError';
  }
}

/** Where case keys are kept: apart from the log, backed up apart, not disposable. Rejects with KeyStoreRefusedError, or when it is not reached. */
export type KeyStore = {
  /** The case's key; null where there is none, or no longer. */
  readonly find: (caseId: string) => Promise<Buffer | null>;
  /**
   * Keeps `candidate` as the case's key unless there is one already.
   *
   * @returns the key that is kept
   * @throws KeyDestroyedError where the case had one that was destroyed
   */
  readonly findOrCreate: (caseId: string, candidate: Buffer) => Promise<Buffer>;
  /** Destroys the case's key for good: from then on there is none, and none is made. Again it changes nothing. */
  readonly destroy: (caseId: string) => Promise<void>;
};
