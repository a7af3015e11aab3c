/** The key store answers, and refuses: asking again cannot help (a missing table, a missing privilege). */
export class KeyStoreRefusedError extends Error {
  readonly code = 'KEY_STORE_REFUSED';
  constructor(cause: unknown) {
    super('the key store refused what it was asked', { cause });
    this.name = 'KeyStoreRefusedError';
  }
}

/** Where case keys are kept: apart from the log, backed up apart, not disposable. Rejects with KeyStoreRefusedError, or when it is not reached. */
export type KeyStore = {
  /** The case's key; null where there is none, or no longer. */
  readonly find: (caseId: string) => Promise<Buffer | null>;
  /** Keeps `candidate` as the case's key unless there is one already. Returns the key that is kept. */
  readonly findOrCreate: (caseId: string, candidate: Buffer) => Promise<Buffer>;
};
