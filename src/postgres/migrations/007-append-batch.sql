-- Several appends in one transaction, and so in one commit: each of them is appended or conflicts as it would have alone.
--   p_counts  how many events each append has; ids, types, data and metadata are those of all of them, one behind the other
--   ordinal   of the append, counted from 1
-- An error of one append undoes all: whoever called sends them again one by one.
CREATE FUNCTION eventlog.append_batch(
  p_streams text[], p_expected bigint[], p_counts integer[],
  p_ids uuid[], p_types text[], p_data text[], p_metadata text[]
) RETURNS TABLE (ordinal integer, appended boolean, stream_revision bigint, event_positions bigint[])
LANGUAGE plpgsql AS $$
DECLARE
  first integer := 1;
  last integer;
BEGIN
  -- A lock that is not given back is waited for by whoever needs it, alone, and not by all that came with it.
  PERFORM set_config('lock_timeout', '500', true);
  -- As append_events does, and before any stream is locked: a reader that waits for appends to end waits for this one as for any other.
  PERFORM pg_advisory_xact_lock_shared(7240311507001);
  -- In one order whoever appends, so that no two of them ever wait for each other.
  PERFORM pg_advisory_xact_lock(724031150, streams.lock)
    FROM (SELECT DISTINCT hashtext(stream) AS lock FROM unnest(p_streams) AS stream ORDER BY lock) AS streams;
  FOR i IN 1 .. cardinality(p_streams) LOOP
    last := first + p_counts[i] - 1;
    ordinal := i;
    SELECT a.appended, a.stream_revision, a.event_positions
      INTO appended, stream_revision, event_positions
      FROM eventlog.append_events(
        p_streams[i], p_expected[i], p_ids[first:last], p_types[first:last], p_data[first:last], p_metadata[first:last]
      ) AS a;
    first := last + 1;
    RETURN NEXT;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION eventlog.append_batch(text[], bigint[], integer[], uuid[], text[], text[], text[]) FROM PUBLIC;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'case_orchestrator_service') THEN
    GRANT EXECUTE ON FUNCTION eventlog.append_batch(text[], bigint[], integer[], uuid[], text[], text[], text[])
      TO case_orchestrator_service;
  END IF;
END $$;
