-- Who an identity provider says a person is. A subject belongs to one person, and a person has one subject of an issuer.
CREATE TABLE identities (
  organization_id text NOT NULL,
  issuer text NOT NULL,
  subject text NOT NULL,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at integer NOT NULL,
  PRIMARY KEY (organization_id, issuer, subject)
) WITHOUT ROWID;
CREATE UNIQUE INDEX identities_user ON identities (user_id, issuer);

-- RFC 8628. The device code is the id under a MAC; of the code that people type there is a keyed hash.
CREATE TABLE device_codes (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  user_code blob NOT NULL,
  status text NOT NULL,
  user_id text,
  issuer text,
  created_at integer NOT NULL,
  expires_at integer NOT NULL,
  ip_address text,
  user_agent text
);
CREATE UNIQUE INDEX device_codes_user_code ON device_codes (organization_id, user_code);
CREATE INDEX device_codes_end ON device_codes (expires_at);

-- A person signed in on one machine. The refresh token is the id and the generation under a MAC.
CREATE TABLE sign_ins (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  issuer text NOT NULL,
  status text NOT NULL,
  generation integer NOT NULL,
  rotated_at integer NOT NULL,
  created_at integer NOT NULL,
  expires_at integer NOT NULL,
  ip_address text,
  user_agent text
);
CREATE INDEX sign_ins_user ON sign_ins (organization_id, user_id);

-- The issuer that says so; null for a member named by an administrator.
ALTER TABLE group_members ADD COLUMN issuer text;
