-- Who made a group, and fills it: null for an administrator here, 'scim' for a directory, an issuer's address for its claims.
ALTER TABLE groups ADD COLUMN source text;
UPDATE groups SET source = CASE
  WHEN external_id IS NOT NULL THEN 'scim'
  ELSE (SELECT max(m.issuer) FROM group_members m WHERE m.group_id = groups.id)
END;
