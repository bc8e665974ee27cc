-- How much of a rate each replica may use by itself: requests and tokens of a minute, requests under way. Unlogged: written
-- often, and of no use after a crash, before which nothing is under way any more.
CREATE UNLOGGED TABLE rate_parts (
  organization_id text NOT NULL,
  -- A principal and a rate of the configuration, or a deployment.
  rate text NOT NULL,
  replica text NOT NULL,
  requests bigint NOT NULL,
  tokens bigint NOT NULL,
  concurrent bigint NOT NULL,
  PRIMARY KEY (organization_id, rate, replica)
);
