-- Times are Unix milliseconds, amounts nano-dollars (1 USD = 10^9), request ids 16 big-endian bytes of
-- a version 7 UUID. Every table but that of the installation itself (replicas) carries organization_id.

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
