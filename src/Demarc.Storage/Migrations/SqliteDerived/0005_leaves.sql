-- The log of records as a Merkle tree, a tree an organization. Bundles hold 256 leaves each: 32 bytes of commitment
-- and 8 of the record's sequence (big-endian) a leaf; tiles up to 256 hashes (C2SP tlog-tiles).
CREATE TABLE leaf_bundles (
  organization_id text NOT NULL,
  number integer NOT NULL,
  first_sequence integer NOT NULL,
  last_sequence integer NOT NULL,
  entries blob NOT NULL,
  sequences blob NOT NULL,
  PRIMARY KEY (organization_id, number)
);
CREATE INDEX leaf_bundles_sequence ON leaf_bundles (organization_id, last_sequence);

CREATE TABLE tiles (
  organization_id text NOT NULL,
  level integer NOT NULL,
  number integer NOT NULL,
  hashes blob NOT NULL,
  PRIMARY KEY (organization_id, level, number)
);

INSERT INTO watermarks VALUES ('leaves', 0, 0, 0, 0, 0);
