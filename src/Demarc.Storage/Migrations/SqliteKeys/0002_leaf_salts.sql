-- The salts of 256 leaves each, 16 bytes a leaf; zeroes where a salt was erased with its record.
CREATE TABLE leaf_salts (
  organization_id text NOT NULL,
  number integer NOT NULL,
  salts blob NOT NULL,
  PRIMARY KEY (organization_id, number)
);
