-- A workload's short-lived token: backed by a row, so that it can be ended.
CREATE TABLE federated_tokens (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  service_account_id text NOT NULL REFERENCES service_accounts (id) ON DELETE CASCADE,
  workspace_id text,
  rule text NOT NULL,
  issuer text NOT NULL,
  subject text NOT NULL,
  status text NOT NULL,
  created_at integer NOT NULL,
  expires_at integer NOT NULL,
  ip_address text
);
CREATE INDEX federated_tokens_end ON federated_tokens (expires_at);

-- Identity tokens that were traded, by a hash of issuer and jti, until their end.
CREATE TABLE federation_uses (
  organization_id text NOT NULL,
  token blob NOT NULL,
  expires_at integer NOT NULL,
  PRIMARY KEY (organization_id, token)
) WITHOUT ROWID;
CREATE INDEX federation_uses_end ON federation_uses (expires_at);
