-- What keys and projects can belong to. Names are free again once their owner is archived.
CREATE TABLE workspaces (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  tags text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  archived_at bigint
);
CREATE UNIQUE INDEX workspaces_name ON workspaces (organization_id, name) WHERE archived_at IS NULL;

CREATE TABLE workspace_members (
  organization_id text COLLATE "C" NOT NULL,
  workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  user_id text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  PRIMARY KEY (workspace_id, user_id)
);

CREATE TABLE projects (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  workspace_id text COLLATE "C" REFERENCES workspaces (id),
  name text COLLATE "C" NOT NULL,
  data_classification text COLLATE "C",
  created_at bigint NOT NULL,
  archived_at bigint
);
CREATE UNIQUE INDEX projects_name ON projects (organization_id, name) WHERE archived_at IS NULL;

-- Members are people, service accounts and groups.
CREATE TABLE project_members (
  organization_id text COLLATE "C" NOT NULL,
  project_id text COLLATE "C" NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  member_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (project_id, member_id)
);
CREATE INDEX project_members_member ON project_members (member_id);

ALTER TABLE api_keys ADD COLUMN project_id text COLLATE "C";

-- Deployments that a replica found failing, so that the others ask elsewhere too; open_until is 0 for one that serves again.
-- Written when that changes, the last word of whichever replica.
CREATE TABLE breakers (
  organization_id text COLLATE "C" NOT NULL,
  deployment text COLLATE "C" NOT NULL,
  replica text COLLATE "C" NOT NULL,
  open_until bigint NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (organization_id, deployment)
);
