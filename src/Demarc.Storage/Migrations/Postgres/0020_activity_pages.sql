-- With all that a page of activities needs of a row, the row itself is not looked up.
DROP INDEX activities_type;
DROP INDEX activities_actor;
CREATE INDEX activities_type ON activities (organization_id, type, position) INCLUDE (begun, finished);
CREATE INDEX activities_actor ON activities (organization_id, actor_id, position, type) INCLUDE (begun, finished);
