-- Sessions of which content has been erased: what clients send again of their history is not captured again.
CREATE TABLE keys.content_cuts (
  organization_id text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (organization_id, session_id)
);
