-- Who may sign in, where seats are counted. A row counts as long as its person is active and, for a seat by group, in one.
CREATE TABLE seats (
  organization_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  source text COLLATE "C" NOT NULL,
  assigned_at bigint NOT NULL,
  assigned_by text COLLATE "C" NOT NULL,
  PRIMARY KEY (organization_id, user_id)
);

-- Why somebody was refused, for the machine that waits.
ALTER TABLE device_codes ADD COLUMN reason text COLLATE "C";

-- Assertions that were accepted: each once. Until the browser that asked fetches it, the identity is kept under a hash.
CREATE TABLE saml_assertions (
  organization_id text COLLATE "C" NOT NULL,
  issuer text COLLATE "C" NOT NULL,
  assertion_id text COLLATE "C" NOT NULL,
  handle bytea NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  identity text COLLATE "C",
  expires_at bigint NOT NULL,
  PRIMARY KEY (organization_id, issuer, assertion_id)
);
CREATE INDEX saml_assertions_handle ON saml_assertions (handle);
CREATE INDEX saml_assertions_end ON saml_assertions (expires_at);

-- What asks an identity provider again whether a person is still there, sealed; when it was asked last.
ALTER TABLE sign_ins ADD COLUMN grant_sealed bytea;
ALTER TABLE sign_ins ADD COLUMN checked_at bigint;
ALTER TABLE device_codes ADD COLUMN grant_sealed bytea;
