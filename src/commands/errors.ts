/** The process is shutting down; what was asked goes on from the log when a process starts again. */
export class ShuttingDownError extends Error {
  readonly code = 'SHUTTING_DOWN';
}
