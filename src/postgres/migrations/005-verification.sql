CREATE SCHEMA IF NOT EXISTS verification;

-- What the last verification of the log has found, as JSON text. Kept for whoever asks the service; it proves nothing by itself.
CREATE TABLE verification.last (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  finished_at timestamptz NOT NULL,
  report text NOT NULL
);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'case_orchestrator_service') THEN
    GRANT USAGE ON SCHEMA verification TO case_orchestrator_service;
    GRANT SELECT, INSERT, UPDATE ON verification.last TO case_orchestrator_service;
  END IF;
END $$;
