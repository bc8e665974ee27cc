-- Limits that are data. target is the user, group or key, empty for the organization; amount_nano null lifts what is inherited.
CREATE TABLE spend_limits (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  scope text NOT NULL,
  target text NOT NULL,
  period text NOT NULL,
  shared integer NOT NULL,
  amount_nano integer,
  mode text NOT NULL,
  created_at integer NOT NULL,
  updated_at integer NOT NULL,
  UNIQUE (organization_id, scope, target, period, shared)
);
