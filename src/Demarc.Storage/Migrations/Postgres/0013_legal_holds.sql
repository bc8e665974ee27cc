-- What must not be destroyed. subject_type: user (and service accounts), group, session, organization. members are
-- those of the group when the hold was made (a JSON array): leaving it frees nobody. A span leaves open what is null.
CREATE TABLE legal_holds (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  subject_type text COLLATE "C" NOT NULL,
  subject_id text COLLATE "C" NOT NULL,
  members text COLLATE "C" NOT NULL,
  from_at bigint,
  to_at bigint,
  created_at bigint NOT NULL,
  created_by text COLLATE "C" NOT NULL,
  released_at bigint,
  released_by text COLLATE "C"
);
CREATE INDEX legal_holds_organization ON legal_holds (organization_id, id);

-- Up to which sequence of the log all that was due has been erased.
CREATE TABLE retention_marks (
  organization_id text COLLATE "C" PRIMARY KEY,
  sequence bigint NOT NULL
);

-- What was erased, in the order of its ids, as the journal beside it has it: an entry that is only there was erased
-- after the backup that these tables came from, and is erased again before anything is served.
CREATE TABLE keys.erasures (
  organization_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  entry text COLLATE "C" NOT NULL,
  PRIMARY KEY (organization_id, id)
);
