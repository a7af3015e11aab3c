import { Socket } from 'node:net';
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
  /** Gives it back; never waits long for a server that does not answer any more. */
  readonly release: () => Promise<void>;
};

/** Longest waits for a server that says nothing, in milliseconds: to connect, for its answer, for its goodbye. */
export type LeadershipBounds = {
  readonly connectMs: number;
  readonly queryMs: number;
  readonly endMs: number;
};

const BOUNDS: LeadershipBounds = { connectMs: 3_000, queryMs: 5_000, endMs: 2_000 };

/**
 * Tries to become the one process that writes read models: a session lock on a connection of its own, which the death of
 * the process or the connection gives back.
 *
 * @returns null when another process is it
 * @throws the driver's error, also when the server does not answer within the bounds
 */
export async function tryToLead(
  url: string,
  { connectMs, queryMs, endMs }: LeadershipBounds = BOUNDS,
): Promise<Leadership | null> {
  const socket = new Socket();
  const client = new pg.Client({
    connectionString: url,
    application_name: 'case-orchestrator projections',
    connectionTimeoutMillis: connectMs,
    query_timeout: queryMs,
    keepAlive: true,
    stream: () => socket,
  });
  const lost = new AbortController();
  client.on('error', () => lost.abort());
  client.on('end', () => lost.abort());
  const release = async (): Promise<void> => {
    // The driver waits for the server to hang up, which one that is gone never does.
    const hangUp = setTimeout(() => socket.destroy(), endMs);
    await client.end().catch(() => {});
    clearTimeout(hangUp);
  };
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
