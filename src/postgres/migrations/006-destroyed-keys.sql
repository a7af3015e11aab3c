-- Cases whose key was destroyed for good. It is kept when the key is gone, so that no process ever makes the case another one.
CREATE TABLE vault.destroyed_keys (
  case_id text COLLATE "C" PRIMARY KEY,
  destroyed_at timestamptz NOT NULL
);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'case_orchestrator_service') THEN
    -- No UPDATE and no DELETE: what is destroyed stays so.
    GRANT SELECT, INSERT ON vault.destroyed_keys TO case_orchestrator_service;
  END IF;
END $$;
