-- Who made a group, and fills it: null for an administrator here, 'scim' for a directory, an issuer's address for its claims.
ALTER TABLE groups ADD COLUMN source text COLLATE "C";
UPDATE groups SET source = CASE
  WHEN external_id IS NOT NULL THEN 'scim'
  ELSE (SELECT max(m.issuer) FROM group_members m WHERE m.group_id = groups.id)
END;

-- What each replica counts of strangers' tries, for the others. Unlogged: it matters for minutes, and a crash may forget it.
CREATE UNLOGGED TABLE guesses (
  organization_id text NOT NULL,
  -- The limit, and whom it counts: an address, an account, a session.
  name text NOT NULL,
  who text NOT NULL,
  replica text NOT NULL,
  number bigint NOT NULL,
  ends_at bigint NOT NULL,
  changed_at bigint NOT NULL,
  PRIMARY KEY (organization_id, name, who, replica)
);
CREATE INDEX guesses_changed ON guesses (changed_at);
