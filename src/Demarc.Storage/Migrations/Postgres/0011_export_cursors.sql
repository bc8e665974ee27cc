-- How far each destination of exports has followed the activities. epoch: raised by whoever takes the lead or moves the
-- cursor by hand, so that one who was replaced moves it no more.
CREATE TABLE export_cursors (
  organization_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  epoch bigint NOT NULL,
  exported bigint NOT NULL,
  sent_at bigint,
  failures bigint NOT NULL,
  problem text,
  PRIMARY KEY (organization_id, name)
);
