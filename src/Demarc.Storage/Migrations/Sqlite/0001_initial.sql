-- Times are Unix milliseconds, amounts nano-dollars (1 USD = 10^9), request ids 16 big-endian bytes of
-- a version 7 UUID. Every table but those of the installation itself (replicas, watermarks) carries organization_id.

CREATE TABLE organizations (
  organization_id text PRIMARY KEY,
  name text NOT NULL,
  created_at integer NOT NULL
) WITHOUT ROWID;

-- A version for each organization, raised with every change to what requests are decided by.
CREATE TABLE changes (
  organization_id text PRIMARY KEY,
  version integer NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  email text NOT NULL,
  name text NOT NULL,
  role text NOT NULL,
  status text NOT NULL,
  created_at integer NOT NULL,
  UNIQUE (organization_id, email)
);

CREATE TABLE service_accounts (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  name text NOT NULL,
  status text NOT NULL,
  created_at integer NOT NULL,
  UNIQUE (organization_id, name)
);

CREATE TABLE groups (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  name text NOT NULL,
  created_at integer NOT NULL,
  UNIQUE (organization_id, name)
);

CREATE TABLE group_members (
  organization_id text NOT NULL,
  group_id text NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  member_id text NOT NULL,
  PRIMARY KEY (group_id, member_id)
) WITHOUT ROWID;
CREATE INDEX group_members_member ON group_members (member_id);

CREATE TABLE api_keys (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  hash blob NOT NULL,
  hint text NOT NULL,
  principal_type text NOT NULL,
  principal_id text NOT NULL,
  workspace_id text,
  created_by_type text NOT NULL,
  created_by_id text NOT NULL,
  created_at integer NOT NULL,
  expires_at integer,
  status text NOT NULL,
  last_used_at integer,
  read_exempt_until integer
);
CREATE INDEX api_keys_organization ON api_keys (organization_id, id);
CREATE INDEX api_keys_principal ON api_keys (principal_id);

CREATE TABLE aliases (
  organization_id text NOT NULL,
  name text NOT NULL,
  targets text NOT NULL,
  moved_at integer NOT NULL,
  moved_by text NOT NULL,
  PRIMARY KEY (organization_id, name)
) WITHOUT ROWID;

-- The evidence log. content stays the last column: readers of the others never touch its pages.
CREATE TABLE records (
  sequence integer PRIMARY KEY AUTOINCREMENT,
  organization_id text NOT NULL,
  kind integer NOT NULL,
  request_id blob NOT NULL,
  session_id text,
  at integer NOT NULL,
  replica text NOT NULL,
  body blob NOT NULL,
  content blob
);
-- A request begins once and finishes once, whoever tries.
CREATE UNIQUE INDEX records_once ON records (request_id, kind) WHERE kind IN (1, 3);
CREATE INDEX records_attempts ON records (request_id) WHERE kind = 2;

CREATE TABLE replicas (
  id text PRIMARY KEY,
  started_at integer NOT NULL,
  seen_at integer NOT NULL,
  last_batch integer NOT NULL
) WITHOUT ROWID;

-- How far each projection has followed the log. ordered_at is the greatest time seen, lateness how far
-- behind it any record was: both bound a search by time to a range of positions.
CREATE TABLE watermarks (
  name text PRIMARY KEY,
  xact integer NOT NULL,
  sequence integer NOT NULL,
  position integer NOT NULL,
  ordered_at integer NOT NULL,
  lateness integer NOT NULL
) WITHOUT ROWID;
INSERT INTO watermarks VALUES ('records', 0, 0, 0, 0, 0);

CREATE TABLE activities (
  organization_id text NOT NULL,
  position integer NOT NULL,
  request_id blob NOT NULL,
  type text NOT NULL,
  actor_id text NOT NULL,
  session_id text,
  at integer NOT NULL,
  ordered_at integer NOT NULL,
  begun integer,
  finished integer NOT NULL,
  PRIMARY KEY (organization_id, position)
) WITHOUT ROWID;
CREATE INDEX activities_time ON activities (organization_id, ordered_at, position);
CREATE INDEX activities_type ON activities (organization_id, type, position);
CREATE INDEX activities_actor ON activities (organization_id, actor_id, position);
CREATE INDEX activities_request ON activities (request_id);

CREATE TABLE sessions (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  client_session text,
  principal_type text NOT NULL,
  principal_id text NOT NULL,
  surface text NOT NULL,
  created_at integer NOT NULL,
  last_at integer NOT NULL,
  requests integer NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_time ON sessions (organization_id, created_at, id);
CREATE INDEX sessions_principal ON sessions (organization_id, principal_id, created_at);

CREATE TABLE session_requests (
  organization_id text NOT NULL,
  session_id text NOT NULL,
  begun integer NOT NULL,
  finished integer,
  request_id blob NOT NULL,
  captured integer NOT NULL,
  PRIMARY KEY (session_id, begun)
) WITHOUT ROWID;

CREATE TABLE ledger (
  organization_id text NOT NULL,
  request_id blob NOT NULL,
  attempt integer NOT NULL,
  at integer NOT NULL,
  principal_type text NOT NULL,
  principal_id text NOT NULL,
  key_id text,
  session_id text,
  resource text NOT NULL,
  deployment text NOT NULL,
  model text NOT NULL,
  input_tokens integer NOT NULL,
  output_tokens integer NOT NULL,
  cache_read_tokens integer NOT NULL,
  cache_write_5m_tokens integer NOT NULL,
  cache_write_1h_tokens integer NOT NULL,
  web_search_requests integer NOT NULL,
  nano_usd integer NOT NULL,
  price_source text,
  incomplete integer NOT NULL,
  PRIMARY KEY (request_id, attempt)
) WITHOUT ROWID;
CREATE INDEX ledger_time ON ledger (organization_id, at);

-- day is yyyy-mm-dd in UTC.
CREATE TABLE spend_totals (
  organization_id text NOT NULL,
  day text NOT NULL,
  principal_id text NOT NULL,
  model text NOT NULL,
  resource text NOT NULL,
  requests integer NOT NULL,
  input_tokens integer NOT NULL,
  output_tokens integer NOT NULL,
  cache_read_tokens integer NOT NULL,
  cache_write_5m_tokens integer NOT NULL,
  cache_write_1h_tokens integer NOT NULL,
  web_search_requests integer NOT NULL,
  nano_usd integer NOT NULL,
  PRIMARY KEY (organization_id, day, principal_id, model, resource)
) WITHOUT ROWID;

-- Requests begun and not finished, as far as the log was followed.
CREATE TABLE open_requests (
  organization_id text NOT NULL,
  request_id blob PRIMARY KEY,
  begun integer NOT NULL,
  replica text NOT NULL
) WITHOUT ROWID;
