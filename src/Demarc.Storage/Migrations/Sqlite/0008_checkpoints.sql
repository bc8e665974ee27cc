-- What was said of the log of records as a tree: signed notes (C2SP tlog-checkpoint), and whether a witness has them.
CREATE TABLE checkpoints (
  organization_id text NOT NULL,
  size integer NOT NULL,
  note text NOT NULL,
  made_at integer NOT NULL,
  witnessed_at integer,
  PRIMARY KEY (organization_id, size)
) WITHOUT ROWID;

-- The public keys that have signed, from generation 1 on. endorsement: a note of the key before that names this one.
CREATE TABLE signing_keys (
  organization_id text NOT NULL,
  generation integer NOT NULL,
  public_key text NOT NULL,
  endorsement text,
  made_at integer NOT NULL,
  PRIMARY KEY (organization_id, generation)
) WITHOUT ROWID;
