-- The key store, a file apart from the records: destroying a row erases all that its key sealed.
CREATE TABLE content_keys (
  organization_id text NOT NULL,
  session_id text NOT NULL,
  day text NOT NULL,
  wrapped blob NOT NULL,
  PRIMARY KEY (organization_id, session_id, day)
) WITHOUT ROWID;
