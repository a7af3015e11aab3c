import { classifyPostgresError, codeOf } from '../../postgres/errors.ts';
import { StoreUnavailableError } from '../port.ts';

/** Whether the same statement may succeed when it is sent again. */
export const isPassing = (error: unknown): boolean => {
  const failure = classifyPostgresError(error);
  return failure === 'unavailable' || failure === 'contention';
};

/** Runs a read; what says that the store was not reached in time becomes the port's error, the rest stays as it is. */
export async function orUnavailable<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isPassing(error) ? unavailable(operation, error) : error;
  }
}

/** The port's error with the failure's code in its message. */
export const unavailable = (operation: string, cause: unknown): StoreUnavailableError => {
  const reason = codeOf(cause) ?? (cause instanceof Error ? cause.message : 'unknown');
  return new StoreUnavailableError(`The event store did not answer (${operation}): ${reason}`, cause);
};
