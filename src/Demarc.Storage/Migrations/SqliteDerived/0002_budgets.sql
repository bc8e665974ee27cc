-- What budgets have been spent, and what of them replicas hold to spend in memory. A meter's id says what it counts and when:
-- monthly:2026-11-01/person/user_…. Both follow the log: a settlement moves its cost from the lease to the budget.
-- ended: its replica was taken for dead, and takes nothing from it any more should it wake up.
CREATE TABLE budgets (
  organization_id text NOT NULL,
  meter_id text NOT NULL,
  settled integer NOT NULL,
  recalled_at integer NOT NULL,
  recalled_by text NOT NULL,
  PRIMARY KEY (organization_id, meter_id)
) WITHOUT ROWID;

CREATE TABLE budget_leases (
  organization_id text NOT NULL,
  meter_id text NOT NULL,
  replica text NOT NULL,
  nano_usd integer NOT NULL,
  ended integer NOT NULL,
  PRIMARY KEY (organization_id, meter_id, replica)
) WITHOUT ROWID;
