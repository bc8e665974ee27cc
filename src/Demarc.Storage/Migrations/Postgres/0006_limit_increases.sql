-- People's requests for more than their own limit of a period; one of each at a time.
CREATE TABLE spend_limit_increase_requests (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  principal_id text COLLATE "C" NOT NULL,
  period text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  resolved_at bigint,
  resolved_by text COLLATE "C",
  resolved_by_key text COLLATE "C"
);
CREATE UNIQUE INDEX spend_limit_increase_requests_pending ON spend_limit_increase_requests (organization_id, principal_id, period) WHERE status = 'pending';
CREATE INDEX spend_limit_increase_requests_principal ON spend_limit_increase_requests (organization_id, principal_id);

-- More for a person until a moment, as it was approved.
CREATE TABLE spend_raises (
  organization_id text COLLATE "C" NOT NULL,
  principal_id text COLLATE "C" NOT NULL,
  period text COLLATE "C" NOT NULL,
  amount_nano bigint NOT NULL,
  until bigint NOT NULL,
  PRIMARY KEY (organization_id, principal_id, period)
);

-- Alerts: each once, however often what it is about is seen. claimed_until keeps two replicas from sending one.
CREATE TABLE spend_alerts (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  about text COLLATE "C" NOT NULL,
  destination text COLLATE "C" NOT NULL,
  body text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  tries bigint NOT NULL,
  next_at bigint NOT NULL,
  created_at bigint NOT NULL,
  sent_at bigint,
  UNIQUE (organization_id, about, destination)
);
CREATE INDEX spend_alerts_due ON spend_alerts (status, next_at);
CREATE TABLE spend_alert_marks (
  organization_id text COLLATE "C" PRIMARY KEY,
  position bigint NOT NULL
);
