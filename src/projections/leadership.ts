import pg from 'pg';

const LEADER_LOCK = 7240311507004n;

// tcp_keepalives: a leader whose machine vanished must not hold the lock for the default two hours.
const TRY_TO_LOCK = `select pg_try_advisory_lock($1) as leads,
  set_config('tcp_keepalives_idle', '15', false),
  set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false)`;

/** Being the one process that projects: ends when the connection does. */
export type Leadership = {
  /** Aborts when leadership is lost. */
  readonly lost: AbortSignal;
  readonly release: () => Promise<void>;
};

/**
 * Tries to become the one process that writes read models: a session lock on a connection of its own, which the death of
 * the process or the connection gives back.
 *
 * @returns null when another process is it
 */
export async function tryToLead(url: string): Promise<Leadership | null> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'case-orchestrator projections',
    connectionTimeoutMillis: 3_000,
    keepAlive: true,
  });
  const lost = new AbortController();
  client.on('error', () => lost.abort());
  client.on('end', () => lost.abort());
  const release = (): Promise<void> => client.end().catch(() => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ leads: boolean }>(TRY_TO_LOCK, [LEADER_LOCK]);
    if (rows[0]?.leads === true) return { lost: lost.signal, release };
    await release();
    return null;
  } catch (error) {
    await release();
    throw error;
  }
}
