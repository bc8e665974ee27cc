-- How far activities were looked through for what people are alerted of.
CREATE TABLE spend_alert_marks (
  organization_id text PRIMARY KEY,
  position integer NOT NULL
) WITHOUT ROWID;
