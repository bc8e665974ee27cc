-- People's requests for more than their own limit of a period; one of each at a time.
CREATE TABLE spend_limit_increase_requests (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  principal_id text NOT NULL,
  period text NOT NULL,
  reason text NOT NULL,
  status text NOT NULL,
  created_at integer NOT NULL,
  resolved_at integer,
  resolved_by text,
  resolved_by_key text
);
CREATE UNIQUE INDEX spend_limit_increase_requests_pending ON spend_limit_increase_requests (organization_id, principal_id, period) WHERE status = 'pending';
CREATE INDEX spend_limit_increase_requests_principal ON spend_limit_increase_requests (organization_id, principal_id);

-- More for a person until a moment, as it was approved.
CREATE TABLE spend_raises (
  organization_id text NOT NULL,
  principal_id text NOT NULL,
  period text NOT NULL,
  amount_nano integer NOT NULL,
  until integer NOT NULL,
  PRIMARY KEY (organization_id, principal_id, period)
);

-- Alerts: each once, however often what it is about is seen. claimed_until keeps two replicas from sending one.
CREATE TABLE spend_alerts (
  id text PRIMARY KEY,
  organization_id text NOT NULL,
  about text NOT NULL,
  destination text NOT NULL,
  body text NOT NULL,
  status text NOT NULL,
  tries integer NOT NULL,
  next_at integer NOT NULL,
  created_at integer NOT NULL,
  sent_at integer,
  UNIQUE (organization_id, about, destination)
);
CREATE INDEX spend_alerts_due ON spend_alerts (status, next_at);
