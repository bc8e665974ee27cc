-- Limits that are data. target is the user, group or key, empty for the organization; amount_nano null lifts what is inherited.
CREATE TABLE spend_limits (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  scope text COLLATE "C" NOT NULL,
  target text COLLATE "C" NOT NULL,
  period text COLLATE "C" NOT NULL,
  shared bigint NOT NULL,
  amount_nano bigint,
  mode text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  UNIQUE (organization_id, scope, target, period, shared)
);

-- What budgets have been spent, and what of them replicas hold to spend in memory. A meter's id says what it counts and when:
-- monthly:2026-11-01/person/user_…. Both follow the log: a settlement moves its cost from the lease to the budget.
-- ended: its replica was taken for dead, and takes nothing from it any more should it wake up.
CREATE TABLE budgets (
  organization_id text COLLATE "C" NOT NULL,
  meter_id text COLLATE "C" NOT NULL,
  settled bigint NOT NULL,
  recalled_at bigint NOT NULL,
  recalled_by text COLLATE "C" NOT NULL,
  PRIMARY KEY (organization_id, meter_id)
);

CREATE TABLE budget_leases (
  organization_id text COLLATE "C" NOT NULL,
  meter_id text COLLATE "C" NOT NULL,
  replica text COLLATE "C" NOT NULL,
  nano_usd bigint NOT NULL,
  ended bigint NOT NULL,
  PRIMARY KEY (organization_id, meter_id, replica)
);
