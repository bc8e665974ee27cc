-- What must not be destroyed. subject_type: user (and service accounts), group, session, organization. members are
-- those of the group when the hold was made (a JSON array): leaving it frees nobody. A span leaves open what is null.
CREATE TABLE legal_holds (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  name text NOT NULL,
  reason text NOT NULL,
  subject_type text NOT NULL,
  subject_id text NOT NULL,
  members text NOT NULL,
  from_at integer,
  to_at integer,
  created_at integer NOT NULL,
  created_by text NOT NULL,
  released_at integer,
  released_by text
);
CREATE INDEX legal_holds_organization ON legal_holds (organization_id, id);
