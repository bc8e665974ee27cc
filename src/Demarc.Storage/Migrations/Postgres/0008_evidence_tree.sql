-- What was said of the log of records as a tree: signed notes (C2SP tlog-checkpoint), and whether a witness has them.
CREATE TABLE checkpoints (
  organization_id text COLLATE "C" NOT NULL,
  size bigint NOT NULL,
  note text NOT NULL,
  made_at bigint NOT NULL,
  witnessed_at bigint,
  PRIMARY KEY (organization_id, size)
);

-- The public keys that have signed, from generation 1 on. endorsement: a note of the key before that names this one.
CREATE TABLE signing_keys (
  organization_id text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  public_key text NOT NULL,
  endorsement text,
  made_at bigint NOT NULL,
  PRIMARY KEY (organization_id, generation)
);

-- The log of records as a Merkle tree, a tree an organization. Bundles hold 256 leaves each: 32 bytes of commitment
-- and 8 of the record's sequence (big-endian) a leaf; tiles up to 256 hashes (C2SP tlog-tiles).
CREATE TABLE leaf_bundles (
  organization_id text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  first_sequence bigint NOT NULL,
  last_sequence bigint NOT NULL,
  entries bytea NOT NULL,
  sequences bytea NOT NULL,
  PRIMARY KEY (organization_id, number)
);
-- Hashes do not compress.
ALTER TABLE leaf_bundles ALTER COLUMN entries SET STORAGE EXTERNAL;
CREATE INDEX leaf_bundles_sequence ON leaf_bundles (organization_id, last_sequence);

CREATE TABLE tiles (
  organization_id text COLLATE "C" NOT NULL,
  level bigint NOT NULL,
  number bigint NOT NULL,
  hashes bytea NOT NULL,
  PRIMARY KEY (organization_id, level, number)
);
ALTER TABLE tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

INSERT INTO watermarks VALUES ('leaves', 0, 0, 0, 0, 0);

-- The salts of 256 leaves each, 16 bytes a leaf; zeroes where a salt was erased with its record.
CREATE TABLE keys.leaf_salts (
  organization_id text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  salts bytea NOT NULL,
  PRIMARY KEY (organization_id, number)
);
ALTER TABLE keys.leaf_salts ALTER COLUMN salts SET STORAGE EXTERNAL;
