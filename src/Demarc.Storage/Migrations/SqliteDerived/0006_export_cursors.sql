-- How far each destination of exports has followed the activities. epoch: raised by whoever takes the lead or moves the
-- cursor by hand, so that one who was replaced moves it no more.
CREATE TABLE export_cursors (
  organization_id text NOT NULL,
  name text NOT NULL,
  position integer NOT NULL,
  epoch integer NOT NULL,
  exported integer NOT NULL,
  sent_at integer,
  failures integer NOT NULL,
  problem text,
  PRIMARY KEY (organization_id, name)
) WITHOUT ROWID;

-- With the type in it, an actor's activities of a type are found without reading each row.
DROP INDEX activities_actor;
CREATE INDEX activities_actor ON activities (organization_id, actor_id, position, type);
