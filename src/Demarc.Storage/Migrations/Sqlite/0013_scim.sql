-- What a directory says of people and groups (SCIM 2.0). user_name_key is the name in lower case; a person whom no
-- directory named goes by the address. document holds the attributes that have no column.
ALTER TABLE users ADD COLUMN user_name text;
ALTER TABLE users ADD COLUMN user_name_key text;
ALTER TABLE users ADD COLUMN external_id text;
ALTER TABLE users ADD COLUMN department text;
ALTER TABLE users ADD COLUMN manager text;
ALTER TABLE users ADD COLUMN document text;
ALTER TABLE users ADD COLUMN modified_at integer;
ALTER TABLE users ADD COLUMN version integer NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX users_user_name ON users (organization_id, coalesce(user_name_key, email));
CREATE INDEX users_external_id ON users (organization_id, external_id) WHERE external_id IS NOT NULL;

ALTER TABLE groups ADD COLUMN external_id text;
ALTER TABLE groups ADD COLUMN modified_at integer;
ALTER TABLE groups ADD COLUMN version integer NOT NULL DEFAULT 1;
CREATE INDEX groups_external_id ON groups (organization_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX groups_name ON groups (organization_id, lower(name));
