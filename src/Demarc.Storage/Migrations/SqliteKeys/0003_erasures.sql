-- What was erased, in the order of its ids, as the journal beside it has it: an entry that is only there was erased
-- after the backup that these files came from, and is erased again before anything is served.
CREATE TABLE erasures (
  organization_id text NOT NULL,
  id text NOT NULL,
  at integer NOT NULL,
  entry text NOT NULL,
  PRIMARY KEY (organization_id, id)
) WITHOUT ROWID;
