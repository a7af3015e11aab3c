/** Where case keys are kept: apart from the log, backed up apart, not disposable. */
export type KeyStore = {
  /** The case's key; null where there is none, or no longer. */
  readonly find: (caseId: string) => Promise<Buffer | null>;
  /** Keeps `candidate` as the case's key unless there is one already. Returns the key that is kept. */
  readonly findOrCreate: (caseId: string, candidate: Buffer) => Promise<Buffer>;
};
