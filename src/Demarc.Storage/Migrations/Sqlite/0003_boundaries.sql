-- Data paths by the hash of their document: what an attempt's record names. Never changed, never removed.
CREATE TABLE boundaries (
  organization_id text NOT NULL,
  id text NOT NULL,
  deployment text NOT NULL,
  declared_at integer NOT NULL,
  document blob NOT NULL,
  PRIMARY KEY (organization_id, id)
) WITHOUT ROWID;

-- The last check of each deployment against its platform's management API, or what an answer said otherwise.
CREATE TABLE boundary_checks (
  organization_id text NOT NULL,
  deployment text NOT NULL,
  checked_at integer NOT NULL,
  body blob NOT NULL,
  PRIMARY KEY (organization_id, deployment)
) WITHOUT ROWID;
