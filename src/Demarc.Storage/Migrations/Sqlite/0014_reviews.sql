-- Access to captured content: asked for, decided by somebody else, for a time. scope: user, group, session, organization
-- (content of these), or key: a compliance key that reads without a review until expires_at.
CREATE TABLE reviews (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  scope text NOT NULL,
  scope_id text NOT NULL,
  from_at integer,
  to_at integer,
  reason_code text NOT NULL,
  reason text NOT NULL,
  reader_id text NOT NULL,
  hours integer NOT NULL,
  status text NOT NULL,
  requested_at integer NOT NULL,
  requested_by text NOT NULL,
  decided_at integer,
  decided_by text,
  expires_at integer
);
CREATE INDEX reviews_organization ON reviews (organization_id, id);
CREATE INDEX reviews_reader ON reviews (organization_id, reader_id, status);
