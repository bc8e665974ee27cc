-- Roles that are data: a role, whom it is given to (a user, a service account or a group), and where it holds.
CREATE TABLE role_assignments (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  effect text COLLATE "C" NOT NULL,
  member_type text COLLATE "C" NOT NULL,
  member_id text COLLATE "C" NOT NULL,
  scope_kind text COLLATE "C" NOT NULL,
  scope text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  created_by text COLLATE "C" NOT NULL,
  expires_at bigint,
  request_id text COLLATE "C"
);
CREATE INDEX role_assignments_member ON role_assignments (member_id);
CREATE UNIQUE INDEX role_assignments_once ON role_assignments (organization_id, member_id, role, effect, scope_kind, scope) WHERE expires_at IS NULL;

-- What somebody asks to have for a time.
CREATE TABLE role_requests (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role text COLLATE "C" NOT NULL,
  scope_kind text COLLATE "C" NOT NULL,
  scope text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  minutes bigint NOT NULL,
  status text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  decided_at bigint,
  decided_by text COLLATE "C"
);
CREATE INDEX role_requests_open ON role_requests (organization_id, status);

-- Changes that wait for a second administrator: the request as it was sent.
CREATE TABLE pending_changes (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  summary text COLLATE "C" NOT NULL,
  method text COLLATE "C" NOT NULL,
  route text COLLATE "C" NOT NULL,
  route_values text COLLATE "C" NOT NULL,
  path text COLLATE "C" NOT NULL,
  query text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  asked_type text COLLATE "C" NOT NULL,
  asked_by text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  decided_at bigint,
  decided_by text COLLATE "C"
);
CREATE INDEX pending_changes_open ON pending_changes (organization_id, status);

-- As of people: what the account may do beside what is assigned to it.
ALTER TABLE service_accounts ADD COLUMN role text COLLATE "C" NOT NULL DEFAULT 'developer';
