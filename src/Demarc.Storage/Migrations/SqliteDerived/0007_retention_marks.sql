-- Up to which sequence of the log all that was due has been erased.
CREATE TABLE retention_marks (
  organization_id text PRIMARY KEY,
  sequence integer NOT NULL
) WITHOUT ROWID;
