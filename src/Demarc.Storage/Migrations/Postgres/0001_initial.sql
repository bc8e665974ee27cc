-- Text sorts by bytes (COLLATE "C"), so that ids sort by time as they do on SQLite.
-- Times are Unix milliseconds, amounts nano-dollars (1 USD = 10^9), request ids 16 big-endian bytes of
-- a version 7 UUID. Every table but those of the installation itself (replicas, watermarks) carries organization_id.

CREATE TABLE organizations (
  organization_id text COLLATE "C" PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL
);

-- A version for each organization, raised with every change to what requests are decided by.
CREATE TABLE changes (
  organization_id text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL
);

CREATE TABLE users (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  email text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  UNIQUE (organization_id, email)
);

CREATE TABLE service_accounts (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  UNIQUE (organization_id, name)
);

CREATE TABLE groups (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  UNIQUE (organization_id, name)
);

CREATE TABLE group_members (
  organization_id text COLLATE "C" NOT NULL,
  group_id text COLLATE "C" NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  member_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (group_id, member_id)
);
CREATE INDEX group_members_member ON group_members (member_id);

CREATE TABLE api_keys (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  hash bytea NOT NULL,
  hint text COLLATE "C" NOT NULL,
  principal_type text COLLATE "C" NOT NULL,
  principal_id text COLLATE "C" NOT NULL,
  workspace_id text COLLATE "C",
  created_by_type text COLLATE "C" NOT NULL,
  created_by_id text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint,
  status text COLLATE "C" NOT NULL,
  last_used_at bigint,
  read_exempt_until bigint
);
CREATE INDEX api_keys_organization ON api_keys (organization_id, id);
CREATE INDEX api_keys_principal ON api_keys (principal_id);

CREATE TABLE aliases (
  organization_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  targets text COLLATE "C" NOT NULL,
  moved_at bigint NOT NULL,
  moved_by text COLLATE "C" NOT NULL,
  PRIMARY KEY (organization_id, name)
);

-- The evidence log. Sequences are drawn before their transaction commits, so a reader follows (xact, sequence)
-- and only below the oldest transaction still running: nothing can appear behind it.
CREATE TABLE records (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  kind bigint NOT NULL,
  request_id bytea NOT NULL,
  session_id text COLLATE "C",
  at bigint NOT NULL,
  replica text COLLATE "C" NOT NULL,
  xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
  body bytea NOT NULL,
  content bytea
);
-- Sealed content does not compress.
ALTER TABLE records ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX records_order ON records (xact, sequence);
-- A request begins once and finishes once, whoever tries.
CREATE UNIQUE INDEX records_once ON records (request_id, kind) WHERE kind IN (1, 3);
CREATE INDEX records_attempts ON records (request_id) WHERE kind = 2;

CREATE TABLE replicas (
  id text COLLATE "C" PRIMARY KEY,
  started_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  last_batch bigint NOT NULL
);

-- How far each projection has followed the log. ordered_at is the greatest time seen, lateness how far
-- behind it any record was: both bound a search by time to a range of positions.
CREATE TABLE watermarks (
  name text COLLATE "C" PRIMARY KEY,
  xact bigint NOT NULL,
  sequence bigint NOT NULL,
  position bigint NOT NULL,
  ordered_at bigint NOT NULL,
  lateness bigint NOT NULL
);
INSERT INTO watermarks VALUES ('records', 0, 0, 0, 0, 0);

CREATE TABLE activities (
  organization_id text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  request_id bytea NOT NULL,
  type text COLLATE "C" NOT NULL,
  actor_id text COLLATE "C" NOT NULL,
  session_id text COLLATE "C",
  at bigint NOT NULL,
  begun bigint,
  finished bigint NOT NULL,
  PRIMARY KEY (organization_id, position)
);
CREATE INDEX activities_type ON activities (organization_id, type, position);
CREATE INDEX activities_actor ON activities (organization_id, actor_id, position);
CREATE INDEX activities_request ON activities (request_id);

-- The first position of each second in which any activity was ordered: bounds a search by time, a row a second.
CREATE TABLE activity_seconds (
  organization_id text COLLATE "C" NOT NULL,
  second bigint NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (organization_id, second)
);

CREATE TABLE sessions (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  client_session text COLLATE "C",
  principal_type text COLLATE "C" NOT NULL,
  principal_id text COLLATE "C" NOT NULL,
  surface text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  last_at bigint NOT NULL,
  requests bigint NOT NULL
);
CREATE INDEX sessions_time ON sessions (organization_id, created_at, id);
CREATE INDEX sessions_principal ON sessions (organization_id, principal_id, created_at);

CREATE TABLE session_requests (
  organization_id text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  begun bigint NOT NULL,
  finished bigint,
  request_id bytea NOT NULL,
  captured bigint NOT NULL,
  PRIMARY KEY (session_id, begun)
);

CREATE TABLE ledger (
  organization_id text COLLATE "C" NOT NULL,
  request_id bytea NOT NULL,
  attempt bigint NOT NULL,
  at bigint NOT NULL,
  principal_type text COLLATE "C" NOT NULL,
  principal_id text COLLATE "C" NOT NULL,
  key_id text COLLATE "C",
  session_id text COLLATE "C",
  resource text COLLATE "C" NOT NULL,
  deployment text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL,
  cache_write_5m_tokens bigint NOT NULL,
  cache_write_1h_tokens bigint NOT NULL,
  web_search_requests bigint NOT NULL,
  nano_usd bigint NOT NULL,
  price_source text COLLATE "C",
  incomplete bigint NOT NULL,
  PRIMARY KEY (request_id, attempt)
);
CREATE INDEX ledger_time ON ledger (organization_id, at);

-- day is yyyy-mm-dd in UTC.
CREATE TABLE spend_totals (
  organization_id text COLLATE "C" NOT NULL,
  day text COLLATE "C" NOT NULL,
  principal_id text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  resource text COLLATE "C" NOT NULL,
  requests bigint NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cache_read_tokens bigint NOT NULL,
  cache_write_5m_tokens bigint NOT NULL,
  cache_write_1h_tokens bigint NOT NULL,
  web_search_requests bigint NOT NULL,
  nano_usd bigint NOT NULL,
  PRIMARY KEY (organization_id, day, principal_id, model, resource)
);

-- Requests begun and not finished, as far as the log was followed.
CREATE TABLE open_requests (
  organization_id text COLLATE "C" NOT NULL,
  request_id bytea PRIMARY KEY,
  begun bigint NOT NULL,
  replica text COLLATE "C" NOT NULL
);

-- The key store, a schema apart from the records: destroying a row erases all that its key sealed.
CREATE SCHEMA keys;
CREATE TABLE keys.content_keys (
  organization_id text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  day text COLLATE "C" NOT NULL,
  wrapped bytea NOT NULL,
  PRIMARY KEY (organization_id, session_id, day)
);
