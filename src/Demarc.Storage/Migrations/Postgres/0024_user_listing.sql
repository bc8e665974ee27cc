-- A page of people in the order of their ids, without all of an organization's being put in order first.
CREATE INDEX users_listing ON users (organization_id, id);
