import type { Pool } from 'pg';
import { ALIVE_MS, type Coordinator, FAIR_SHARE, type Unattended } from './port.ts';

export type PostgresCoordinator = Coordinator & {
  /**
   * Lets every other process count as dead at once, for a start that knows that it is alone: the embedded Postgres is locked to
   * one process.
   */
  readonly declareOthersDead: () => Promise<void>;
};

/**
 * A coordinator in the schema `coordination` of Postgres, by the database's clock; it reads `readmodel.tasks` and
 * `readmodel.parked`.
 *
 * @param pool of a migrated database, with its timeouts: they bound every method. Not the pool that appends wait for: under
 *   load a beat would queue behind them until its process counts as dead
 * @param processId UUID of this process, another one at each start
 */
export function createPostgresCoordinator(pool: Pool, processId: string): PostgresCoordinator {
  let claims = 0;
  let answered = 0;
  return {
    beat: async (driving) => {
      await pool.query(BEAT, [processId, driving, answered, FORGOTTEN]);
    },
    unattended: async (now, limit) => {
      const { rows } = await pool.query<Unattended>(UNATTENDED, [now, limit, ALIVE]);
      return rows;
    },
    claim: async (taskIds) => {
      claims += 1;
      const claim = claims;
      try {
        const values = [processId, claim, [...new Set(taskIds)], ALIVE];
        const { rows } = await pool.query<{ taken: string[] }>(CLAIM, values);
        return rows[0]?.taken ?? [];
      } finally {
        answered = claim;
      }
    },
    lead: async () => (await pool.query(LEAD, [processId, ALIVE])).rowCount === 1,
    resign: async () => {
      await pool.query('delete from coordination.leader where process_id = $1', [processId]);
    },
    leave: async () => {
      await pool.query(LEAVE, [processId]);
    },
    declareOthersDead: async () => {
      await pool.query(DECLARE_OTHERS_DEAD, [processId, ALIVE]);
    },
  };
}

const ALIVE = `${ALIVE_MS} milliseconds`;
/** After so long a silence a process's row goes; what it drove and nobody took counts as unclaimed then. */
const FORGOTTEN = '10 minutes';

// Rows that somebody else is deleting are left to them: two processes that both come back from a long silence must not wait
// for each other.
const BEAT = `with forgotten as (
    delete from coordination.processes where process_id in (
      select process_id from coordination.processes
        where beat_at < clock_timestamp() - $4::interval and process_id <> $1 for update skip locked))
  insert into coordination.processes as process (process_id, beat_at, driving) values ($1, clock_timestamp(), $2)
    on conflict (process_id) do update set beat_at = clock_timestamp(), driving =
      case when process.newest_claim <= $3 then excluded.driving
        else array(select unnest(process.driving) union select unnest(excluded.driving)) end`;

/**
 * Exported for its plan's test. Two scans rather than one with OR: on a large table they are plain index scans, which mark what is
 * dead, where OR makes a bitmap that visits every status that a task has had since the last vacuum. "in" and "not in" rather than
 * joins: they are hashed whatever the planner believes, and it takes thousands of ids in an array for ten.
 */
export const UNATTENDED = `with driven as (
    select unnest(driving) as task_id, coordination.holds(beat_at, $3) as alive from coordination.processes),
  candidates as (
    select task_id, case_id, status, received_position from readmodel.tasks
      where status in ('RECEIVED', 'DECIDED', 'EXECUTING', 'OUTCOME_UNKNOWN')
    union all
    select task_id, case_id, status, received_position from readmodel.tasks
      where status in ('RETRY_SCHEDULED', 'IN_REVIEW') and due_at <= $1)
  select task_id as "taskId", case_id as "caseId", status = 'EXECUTING' as executing,
    case when status in ('RETRY_SCHEDULED', 'IN_REVIEW') then 'due'
      when task_id in (select task_id from driven where not alive) then 'dead'
      else 'unclaimed' end as why
  from candidates
  where task_id not in (select task_id from driven where alive)
    and 'case-' || case_id not in (select stream from readmodel.parked)
  order by status <> 'EXECUTING',
    row_number() over (partition by case_id, status = 'EXECUTING' order by received_position) > ${FAIR_SHARE},
    received_position limit $2`;

const CLAIM = 'select coordination.claim_tasks($1, $2, $3, $4) as taken';

// A conflict waits for whoever writes the row and looks at it again then, so of several that try at once one gets it.
const LEAD = `insert into coordination.leader as leader (process_id, renewed_at) values ($1, clock_timestamp())
  on conflict (only_row) do update set process_id = excluded.process_id, renewed_at = clock_timestamp()
    where leader.process_id = excluded.process_id or not coordination.holds(leader.renewed_at, $2)`;

const LEAVE = `with silent as (delete from coordination.processes where process_id = $1)
  delete from coordination.leader where process_id = $1`;

const DECLARE_OTHERS_DEAD = `with resigned as (delete from coordination.leader where process_id <> $1)
  update coordination.processes set beat_at = clock_timestamp() - $2::interval
    where process_id <> $1 and coordination.holds(beat_at, $2)`;
