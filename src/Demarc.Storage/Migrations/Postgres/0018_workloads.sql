-- A workload's short-lived token: backed by a row, so that it can be ended.
CREATE TABLE federated_tokens (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  service_account_id text COLLATE "C" NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
  workspace_id text COLLATE "C",
  rule text COLLATE "C" NOT NULL,
  issuer text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  ip_address text COLLATE "C"
);
CREATE INDEX federated_tokens_end ON federated_tokens (expires_at);

-- Identity tokens that were traded, by a hash of issuer and jti, until their end.
CREATE TABLE federation_uses (
  organization_id text COLLATE "C" NOT NULL,
  token bytea NOT NULL,
  expires_at bigint NOT NULL,
  PRIMARY KEY (organization_id, token)
);
CREATE INDEX federation_uses_end ON federation_uses (expires_at);
