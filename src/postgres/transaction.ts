import type pg from 'pg';

/** A transaction that the caller's function had broken by an error it swallowed: COMMIT rolled it back. */
class TransactionAbortedError extends Error {
  readonly code = 'TRANSACTION_ABORTED';
  constructor() {
    super(
      'The transaction was rolled back at COMMIT: a statement in it had failed and the failure was ignored.',
    );
    this.name = 'TransactionAbortedError';
  }
}

/**
 * Runs `work` in one READ COMMITTED transaction on one connection of the pool, and commits when it resolves.
 * A connection that could not be rolled back or that broke never goes back to the pool.
 *
 * @param work uses only the client given, and not after it has resolved
 * @returns what `work` returned, once committed
 * @throws whatever `work` or COMMIT threw first, after ROLLBACK; TransactionAbortedError
 */
export async function withTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  // Between two statements nobody else listens, and an unheard 'error' event ends the process.
  client.on('error', onError);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    const { command } = await client.query('COMMIT');
    if (command === 'ROLLBACK') throw new TransactionAbortedError();
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(onError);
    throw error;
  } finally {
    client.removeListener('error', onError);
    client.release(broken);
  }
}
