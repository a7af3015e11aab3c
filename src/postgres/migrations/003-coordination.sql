CREATE SCHEMA IF NOT EXISTS coordination;

-- UNLOGGED: a beat costs no flush of the log, however many processes beat. A crash of Postgres empties both tables, which
-- nothing rests on: it cut every process off as well, those that live on say so again at their next beat and renewal, and
-- until then two may do the same work, of which expected revisions and the read models' checkpoint let only one count.
CREATE UNLOGGED TABLE coordination.processes (
  process_id uuid PRIMARY KEY,
  beat_at timestamptz NOT NULL,
  driving text[] NOT NULL,
  -- The number of its newest claim, so that a beat whose list of tasks is older does not forget what that took.
  newest_claim integer NOT NULL DEFAULT 0
);
-- Ids of tasks hardly compress; trying to costs more than half of a large beat.
ALTER TABLE coordination.processes ALTER COLUMN driving SET STORAGE EXTERNAL;

-- The one process that writes the read models.
CREATE UNLOGGED TABLE coordination.leader (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  process_id uuid NOT NULL,
  renewed_at timestamptz NOT NULL
);

-- Whether what was said at p_said_at holds still. Asked both ways, so that after the clock was set back the dead are not alive
-- for as long as it was set back. clock_timestamp(), never now(): that may be earlier than what this statement reads.
CREATE FUNCTION coordination.holds(p_said_at timestamptz, p_alive interval) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
  SELECT p_said_at > clock_timestamp() - p_alive AND p_said_at < clock_timestamp() + p_alive
$$;

-- Takes tasks for a process that is alive, except those that another live process drives. Returns those taken, in the
-- order asked for. One call and not a transaction of several, so that a process that stalls never holds the lock.
CREATE FUNCTION coordination.claim_tasks(p_process uuid, p_claim integer, p_tasks text[], p_alive interval) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  taken text[];
BEGIN
  -- First, so that the statements below see what the claim before this one has committed.
  PERFORM pg_advisory_xact_lock(7240311507005);
  PERFORM FROM coordination.processes p WHERE p.process_id = p_process AND coordination.holds(p.beat_at, p_alive);
  IF NOT FOUND THEN
    RETURN '{}';
  END IF;

  SELECT coalesce(array_agg(wanted.id ORDER BY wanted.ordinal), '{}') INTO taken
    FROM unnest(p_tasks) WITH ORDINALITY AS wanted (id, ordinal)
   WHERE wanted.id NOT IN (
     SELECT unnest(p.driving) FROM coordination.processes p
      WHERE p.process_id <> p_process AND coordination.holds(p.beat_at, p_alive));

  UPDATE coordination.processes p
     SET driving = p.driving || ARRAY(SELECT unnest(taken) EXCEPT SELECT unnest(p.driving)), newest_claim = p_claim
   WHERE p.process_id = p_process;
  RETURN taken;
END $$;

REVOKE ALL ON FUNCTION
  coordination.holds(timestamptz, interval), coordination.claim_tasks(uuid, integer, text[], interval) FROM PUBLIC;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'case_orchestrator_service') THEN
    GRANT USAGE ON SCHEMA coordination TO case_orchestrator_service;
    GRANT SELECT, INSERT, UPDATE, DELETE ON coordination.processes, coordination.leader TO case_orchestrator_service;
    GRANT EXECUTE ON FUNCTION
      coordination.holds(timestamptz, interval), coordination.claim_tasks(uuid, integer, text[], interval)
      TO case_orchestrator_service;
  END IF;
END $$;
