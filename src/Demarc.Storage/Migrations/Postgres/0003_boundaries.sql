-- Data paths by the hash of their document: what an attempt's record names. Never changed, never removed.
CREATE TABLE boundaries (
  organization_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  deployment text COLLATE "C" NOT NULL,
  declared_at bigint NOT NULL,
  document bytea NOT NULL,
  PRIMARY KEY (organization_id, id)
);

-- The last check of each deployment against its platform's management API, or what an answer said otherwise.
CREATE TABLE boundary_checks (
  organization_id text COLLATE "C" NOT NULL,
  deployment text COLLATE "C" NOT NULL,
  checked_at bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (organization_id, deployment)
);
