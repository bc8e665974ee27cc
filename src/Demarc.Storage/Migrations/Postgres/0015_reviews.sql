-- Access to captured content: asked for, decided by somebody else, for a time. scope: user, group, session, organization
-- (content of these), or key: a compliance key that reads without a review until expires_at.
CREATE TABLE reviews (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  scope text COLLATE "C" NOT NULL,
  scope_id text COLLATE "C" NOT NULL,
  from_at bigint,
  to_at bigint,
  reason_code text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  reader_id text COLLATE "C" NOT NULL,
  hours bigint NOT NULL,
  status text COLLATE "C" NOT NULL,
  requested_at bigint NOT NULL,
  requested_by text COLLATE "C" NOT NULL,
  decided_at bigint,
  decided_by text COLLATE "C",
  expires_at bigint
);
CREATE INDEX reviews_organization ON reviews (organization_id, id);
CREATE INDEX reviews_reader ON reviews (organization_id, reader_id, status);
