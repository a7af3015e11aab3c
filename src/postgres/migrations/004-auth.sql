CREATE SCHEMA IF NOT EXISTS auth;

-- API keys without their secrets. A row is never deleted: who a key belonged to stays known.
CREATE TABLE auth.api_keys (
  id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
  secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
  actor text NOT NULL CHECK (actor <> ''),
  roles text[] NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'case_orchestrator_service') THEN
    GRANT USAGE ON SCHEMA auth TO case_orchestrator_service;
    -- No more: whoever makes the running service do something it should not can make no keys with it.
    GRANT SELECT ON auth.api_keys TO case_orchestrator_service;
  END IF;
END $$;
