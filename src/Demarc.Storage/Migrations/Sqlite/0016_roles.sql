-- Roles that are data: a role, whom it is given to (a user, a service account or a group), and where it holds.
CREATE TABLE role_assignments (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  role text NOT NULL,
  effect text NOT NULL,
  member_type text NOT NULL,
  member_id text NOT NULL,
  scope_kind text NOT NULL,
  scope text NOT NULL,
  created_at integer NOT NULL,
  created_by text NOT NULL,
  expires_at integer,
  request_id text
);
CREATE INDEX role_assignments_member ON role_assignments (member_id);
CREATE UNIQUE INDEX role_assignments_once ON role_assignments (organization_id, member_id, role, effect, scope_kind, scope) WHERE expires_at IS NULL;

-- What somebody asks to have for a time.
CREATE TABLE role_requests (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role text NOT NULL,
  scope_kind text NOT NULL,
  scope text NOT NULL,
  reason text NOT NULL,
  minutes integer NOT NULL,
  status text NOT NULL,
  created_at integer NOT NULL,
  decided_at integer,
  decided_by text
);
CREATE INDEX role_requests_open ON role_requests (organization_id, status);

-- Changes that wait for a second administrator: the request as it was sent.
CREATE TABLE pending_changes (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  kind text NOT NULL,
  summary text NOT NULL,
  method text NOT NULL,
  route text NOT NULL,
  route_values text NOT NULL,
  path text NOT NULL,
  query text NOT NULL,
  body blob NOT NULL,
  asked_type text NOT NULL,
  asked_by text NOT NULL,
  status text NOT NULL,
  created_at integer NOT NULL,
  expires_at integer NOT NULL,
  decided_at integer,
  decided_by text
);
CREATE INDEX pending_changes_open ON pending_changes (organization_id, status);

-- As of people: what the account may do beside what is assigned to it.
ALTER TABLE service_accounts ADD COLUMN role text NOT NULL DEFAULT 'developer';
