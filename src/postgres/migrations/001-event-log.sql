CREATE SCHEMA IF NOT EXISTS eventlog;
CREATE SCHEMA IF NOT EXISTS vault;
CREATE SCHEMA IF NOT EXISTS readmodel;

-- CACHE 1 is load-bearing: a session that drew numbers ahead would hand out earlier positions later.
CREATE SEQUENCE eventlog.events_position AS bigint CACHE 1;

-- No transaction ids are stored and nothing is ordered by them, so a dump restored into another cluster reads the same.
CREATE TABLE eventlog.events (
  position bigint NOT NULL DEFAULT nextval('eventlog.events_position'),
  revision bigint NOT NULL,
  id uuid NOT NULL,
  stream text COLLATE "C" NOT NULL,
  type text NOT NULL,
  data text NOT NULL,
  metadata text NOT NULL,
  CONSTRAINT events_pkey PRIMARY KEY (position),
  CONSTRAINT events_stream_revision_key UNIQUE (stream, revision),
  CONSTRAINT events_id_key UNIQUE (id)
);
ALTER SEQUENCE eventlog.events_position OWNED BY eventlog.events.position;

CREATE FUNCTION eventlog.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'eventlog.events is append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON eventlog.events
  FOR EACH STATEMENT EXECUTE FUNCTION eventlog.refuse_change();
-- ALWAYS: session_replication_role = replica must not switch it off.
ALTER TABLE eventlog.events ENABLE ALWAYS TRIGGER events_append_only;

-- Appends all events or none, in one round trip.
--   appended        false: a conflict, and nothing was written
--   stream_revision of the last event appended; on a conflict the stream's revision now, -1 for none
--   event_positions of the events appended, in order
CREATE FUNCTION eventlog.append_events(
  p_stream text, p_expected bigint, p_ids uuid[], p_types text[], p_data text[], p_metadata text[],
  OUT appended boolean, OUT stream_revision bigint, OUT event_positions bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
  stored_ids uuid[];
BEGIN
  -- LOAD-BEARING, and first: the lock is taken before any position is drawn and kept until commit, so while a reader
  -- holds it exclusively (readable_until) no position at or below the newest visible one can still appear. Taken in a
  -- trigger it would be too late: the column's default has drawn its number by then.
  PERFORM pg_advisory_xact_lock_shared(7240311507001);
  -- One writer of a stream at a time, so that the check below is the truth and a loser draws no position.
  PERFORM pg_advisory_xact_lock(724031150, hashtext(p_stream));

  SELECT coalesce(max(e.revision), -1) INTO stream_revision FROM eventlog.events e WHERE e.stream = p_stream;

  IF stream_revision = p_expected THEN
    WITH inserted AS (
      INSERT INTO eventlog.events (revision, id, stream, type, data, metadata)
      SELECT p_expected + b.ordinal, b.id, p_stream, b.type, b.data, b.metadata
        FROM unnest(p_ids, p_types, p_data, p_metadata) WITH ORDINALITY AS b (id, type, data, metadata, ordinal)
       ORDER BY b.ordinal
      RETURNING position
    )
    SELECT array_agg(position ORDER BY position) INTO event_positions FROM inserted;
    appended := true;
    stream_revision := p_expected + cardinality(p_ids);
    RETURN;
  END IF;

  -- The same append again, after a lost reply: the first one's answer, whatever was appended since.
  SELECT array_agg(e.id ORDER BY e.revision), array_agg(e.position ORDER BY e.revision)
    INTO stored_ids, event_positions
    FROM eventlog.events e
   WHERE e.stream = p_stream AND e.revision > p_expected AND e.revision <= p_expected + cardinality(p_ids);
  appended := coalesce(stored_ids = p_ids, false);
  IF appended THEN
    stream_revision := p_expected + cardinality(p_ids);
  ELSE
    event_positions := NULL;
  END IF;
END $$;

-- The greatest position up to which the log can be read after p_after without missing an event that commits later;
-- NULL when nothing is visible after p_after. Raises lock_not_available when an append is in flight for longer than
-- p_lock_timeout_ms, so that writers never queue behind a reader for longer than that.
-- Call it in a transaction of its own (READ COMMITTED, autocommit): the lock is held until that ends.
CREATE FUNCTION eventlog.readable_until(p_after bigint, p_lock_timeout_ms integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  newest bigint;
BEGIN
  -- An idle reader must cost writers nothing: it looks before it locks. By max, which walks the index from its end:
  -- EXISTS over "position > p_after" scans the whole table while the planner has no statistics.
  SELECT max(e.position) INTO newest FROM eventlog.events e;
  IF coalesce(newest <= p_after, true) THEN
    RETURN NULL;
  END IF;
  PERFORM set_config('lock_timeout', p_lock_timeout_ms::text, true);
  PERFORM pg_advisory_xact_lock(7240311507001);
  -- Every append that drew a position up to here has ended by now, so a statement that begins later sees them all.
  -- Of the table, not of the sequence: after a crash a sequence may give a number again that only an aborted append
  -- had drawn.
  RETURN (SELECT max(e.position) FROM eventlog.events e);
END $$;

REVOKE ALL ON FUNCTION
  eventlog.append_events(text, bigint, uuid[], text[], text[], text[]), eventlog.readable_until(bigint, integer)
  FROM PUBLIC;

-- The role that the running service works under: it can append and read, and cannot touch what is written. Roles belong
-- to the whole cluster, so several databases may come here at once, and the migrating user may not be allowed to.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'case_orchestrator_service') THEN
    CREATE ROLE case_orchestrator_service NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
  WHEN insufficient_privilege THEN
    RAISE NOTICE 'role case_orchestrator_service not created: % has no CREATEROLE; the service works as its own user',
      current_user;
END $$;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'case_orchestrator_service') THEN
    RETURN;
  END IF;
  GRANT USAGE ON SCHEMA eventlog TO case_orchestrator_service;
  GRANT SELECT ON eventlog.events TO case_orchestrator_service;
  -- Every column but position: a position comes from the sequence only.
  GRANT INSERT (revision, id, stream, type, data, metadata) ON eventlog.events TO case_orchestrator_service;
  GRANT USAGE, SELECT ON SEQUENCE eventlog.events_position TO case_orchestrator_service;
  GRANT EXECUTE ON FUNCTION
    eventlog.append_events(text, bigint, uuid[], text[], text[], text[]), eventlog.readable_until(bigint, integer)
    TO case_orchestrator_service;
  GRANT ALL ON SCHEMA readmodel TO case_orchestrator_service;
  ALTER DEFAULT PRIVILEGES IN SCHEMA readmodel GRANT ALL ON TABLES TO case_orchestrator_service;
  ALTER DEFAULT PRIVILEGES IN SCHEMA readmodel GRANT ALL ON SEQUENCES TO case_orchestrator_service;
  BEGIN
    -- Another database's migration may have granted it before: not worth a notice.
    SET LOCAL client_min_messages = warning;
    GRANT case_orchestrator_service TO CURRENT_USER;
  EXCEPTION
    WHEN unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
      RAISE NOTICE 'role case_orchestrator_service not granted to %: the service works as its own user', current_user;
  END;
END $$;
