-- With all that a page needs of a row, the row itself is not looked up: of 5,000 rows of one person each is on a page of its own.
DROP INDEX activities_type;
DROP INDEX activities_actor;
CREATE INDEX activities_type ON activities (organization_id, type, position, begun, finished);
CREATE INDEX activities_actor ON activities (organization_id, actor_id, position, type, begun, finished);
