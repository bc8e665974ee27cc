-- Sessions of which content has been erased: what clients send again of their history is not captured again.
CREATE TABLE content_cuts (
  organization_id text NOT NULL,
  session_id text NOT NULL,
  PRIMARY KEY (organization_id, session_id)
) WITHOUT ROWID;
