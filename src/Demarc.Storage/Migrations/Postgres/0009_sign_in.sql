-- Who an identity provider says a person is. A subject belongs to one person, and a person has one subject of an issuer.
CREATE TABLE identities (
  organization_id text COLLATE "C" NOT NULL,
  issuer text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at bigint NOT NULL,
  PRIMARY KEY (organization_id, issuer, subject)
);
CREATE UNIQUE INDEX identities_user ON identities (user_id, issuer);

-- RFC 8628. The device code is the id under a MAC; of the code that people type there is a keyed hash.
CREATE TABLE device_codes (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  user_code bytea NOT NULL,
  status text COLLATE "C" NOT NULL,
  user_id text COLLATE "C",
  issuer text COLLATE "C",
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  ip_address text COLLATE "C",
  user_agent text COLLATE "C"
);
CREATE UNIQUE INDEX device_codes_user_code ON device_codes (organization_id, user_code);
CREATE INDEX device_codes_end ON device_codes (expires_at);

-- A person signed in on one machine. The refresh token is the id and the generation under a MAC.
CREATE TABLE sign_ins (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  issuer text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  rotated_at bigint NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  ip_address text COLLATE "C",
  user_agent text COLLATE "C"
);
CREATE INDEX sign_ins_user ON sign_ins (organization_id, user_id);

-- The issuer that says so; null for a member named by an administrator.
ALTER TABLE group_members ADD COLUMN issuer text COLLATE "C";
