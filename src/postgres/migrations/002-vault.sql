-- One key a case encrypts its personal text. Destroying the row erases the text and leaves every proof valid.
-- Backed up apart from the event log, and not disposable.
CREATE TABLE vault.case_keys (
  case_id text COLLATE "C" PRIMARY KEY,
  key bytea NOT NULL,
  created_at timestamptz NOT NULL
);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'case_orchestrator_service') THEN
    GRANT USAGE ON SCHEMA vault TO case_orchestrator_service;
    -- No UPDATE: a key is made once and used until it is destroyed.
    GRANT SELECT, INSERT, DELETE ON vault.case_keys TO case_orchestrator_service;
  END IF;
END $$;
