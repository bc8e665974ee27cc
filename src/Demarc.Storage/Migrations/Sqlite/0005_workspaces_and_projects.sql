-- What keys and projects can belong to. Names are free again once their owner is archived.
CREATE TABLE workspaces (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  name text NOT NULL,
  tags text NOT NULL,
  created_at integer NOT NULL,
  archived_at integer
);
CREATE UNIQUE INDEX workspaces_name ON workspaces (organization_id, name) WHERE archived_at IS NULL;

CREATE TABLE workspace_members (
  organization_id text NOT NULL,
  workspace_id text NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  user_id text NOT NULL,
  role text NOT NULL,
  PRIMARY KEY (workspace_id, user_id)
) WITHOUT ROWID;

CREATE TABLE projects (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  workspace_id text REFERENCES workspaces (id),
  name text NOT NULL,
  data_classification text,
  created_at integer NOT NULL,
  archived_at integer
);
CREATE UNIQUE INDEX projects_name ON projects (organization_id, name) WHERE archived_at IS NULL;

-- Members are people, service accounts and groups.
CREATE TABLE project_members (
  organization_id text NOT NULL,
  project_id text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  member_id text NOT NULL,
  PRIMARY KEY (project_id, member_id)
) WITHOUT ROWID;
CREATE INDEX project_members_member ON project_members (member_id);

ALTER TABLE api_keys ADD COLUMN project_id text;

-- Deployments that a replica found failing, so that the others ask elsewhere too; open_until is 0 for one that serves again.
-- Written when that changes, the last word of whichever replica.
CREATE TABLE breakers (
  organization_id text NOT NULL,
  deployment text NOT NULL,
  replica text NOT NULL,
  open_until integer NOT NULL,
  changed_at integer NOT NULL,
  PRIMARY KEY (organization_id, deployment)
) WITHOUT ROWID;
